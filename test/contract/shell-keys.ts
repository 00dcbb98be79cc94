import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KeyFiles {
  /** A good key that no machine knows. */
  readonly stranger: string;
  readonly missing: string;
  readonly encrypted: string;
  readonly publicOnly: string;
  readonly nonsense: string;
  /** A good key that everybody can read. */
  readonly exposed: string;
  remove(): Promise<void>;
}

export async function writeKeyFiles(): Promise<KeyFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'nodepool-keys-'));
  const file = async (name: string, content: string, mode = 0o600): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  };
  const sec1 = { type: 'sec1', format: 'pem' } as const;
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const plain = generateKeyPairSync('ec', { namedCurve: 'prime256v1', publicKeyEncoding, privateKeyEncoding: sec1 });
  const locked = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding,
    privateKeyEncoding: { ...sec1, cipher: 'aes-256-cbc', passphrase: 'secret' },
  });
  return {
    stranger: await file('stranger', plain.privateKey),
    missing: join(folder, 'missing'),
    encrypted: await file('encrypted', locked.privateKey),
    publicOnly: await file('public', plain.publicKey),
    nonsense: await file('nonsense', 'not a key'),
    exposed: await file('exposed', plain.privateKey, 0o644),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
