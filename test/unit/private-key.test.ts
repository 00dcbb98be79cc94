import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newGroupKey } from '../../src/adapters/ssh/key-pair.js';
import { readPrivateKey } from '../../src/adapters/ssh/private-key.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nodepool-key-'));
});
afterAll(() => rm(dir, { recursive: true }));

test.each([
  ['ed25519', undefined],
  ['rsa', undefined],
  ['rsa', 'sha256'],
  ['rsa', 'sha512'],
] as const)('a private key of type %s signs with %s what the public one confirms', async (type, hash) => {
  const { privateKey, publicKey } = await newGroupKey(type);
  const file = join(dir, `${type}-${hash ?? 'usual'}`);
  await writeFile(file, privateKey, { mode: 0o600 });
  const signature = (await readPrivateKey(file)).sign(Buffer.from('session'), hash);
  const confirming = ssh2.utils.parseKey(publicKey);
  if (signature instanceof Error || confirming instanceof Error) throw new Error('no signature, or no key');
  expect(confirming.verify('session', signature, hash)).toBe(true);
  expect(confirming.verify('another session', signature, hash)).toBe(false);
});

test('a private key is read once, and again when its file has changed', async () => {
  const file = join(dir, 'changing');
  const write = async (): Promise<void> => writeFile(file, (await newGroupKey('ed25519')).privateKey, { mode: 0o600 });
  await write();
  const first = await readPrivateKey(file);
  expect(await readPrivateKey(file)).toBe(first);
  await rm(file);
  await write();
  expect((await readPrivateKey(file)).getPublicSSH()).not.toEqual(first.getPublicSSH());
});
