import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';
import type { GroupKey } from '../../domain/node-files.js';
import type { GroupKeyType } from '../../domain/pool-config.js';

export interface KeyPair {
  /** OpenSSH format. */
  readonly privateKey: string;
  /** `TYPE BASE64`. */
  readonly publicKey: string;
}

const triesMax = 20;

/** The library drops a leading zero byte, which makes one pair in 256 unreadable for everybody. */
export async function newKeyPair(): Promise<KeyPair> {
  for (let tries = 0; tries < triesMax; tries++) {
    const pair = await generateSshKeyPair('ed25519');
    const [privateKey, publicKey] = [ssh2.utils.parseKey(pair.private), ssh2.utils.parseKey(pair.public)];
    if (!(privateKey instanceof Error) && !(publicKey instanceof Error)) {
      return { privateKey: pair.private.trim(), publicKey: pair.public.trim() };
    }
  }
  throw new Error('no readable key pair was made');
}

/** Made in a thread of libuv. */
const generateSshKeyPair = promisify((type: 'ed25519', done: (error: Error | null, pair: SshKeyPair) => void) =>
  ssh2.utils.generateKeyPair(type, done),
);
type SshKeyPair = ReturnType<typeof ssh2.utils.generateKeyPairSync>;

/** One line, as in `authorized_keys`. */
export function publicKeyOf(privateKey: Buffer): string {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  return `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`;
}

const rsaBits = 2048;

/** A key pair for a group: RSA as PEM, which every SSH reads, and Ed25519 in the format of OpenSSH, the only one for it. */
export async function newGroupKey(type: GroupKeyType): Promise<GroupKey> {
  if (type === 'ed25519') return newKeyPair();
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: rsaBits,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { privateKey, publicKey: publicKeyOf(Buffer.from(privateKey)) };
}
