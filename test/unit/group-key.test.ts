import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { newGroupKey } from '../../src/adapters/ssh/key-pair.js';

test.each([
  ['ed25519', 'ssh-ed25519', /^-----BEGIN OPENSSH PRIVATE KEY-----/],
  ['rsa', 'ssh-rsa', /^-----BEGIN RSA PRIVATE KEY-----/],
] as const)('a group key of type %s is a pair of %s that can be read', async (type, name, head) => {
  const { privateKey, publicKey } = await newGroupKey(type);
  expect(privateKey).toMatch(head);
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  expect(publicKey).toBe(`${name} ${parsed.getPublicSSH().toString('base64')}`);
  expect((await newGroupKey(type)).privateKey).not.toBe(privateKey);
});
