import { createPrivateKey, sign } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';

import { Fault } from '../../domain/fault.js';
import { troubleWords } from '../../domain/trouble.js';

/** The rest of the world. A group that may read the key is how some operators share it. */
const othersRead = 0o004;

interface KnownKey {
  /** What tells a file from what it was. */
  readonly version: string;
  readonly key: ParsedKey;
}

const known = new Map<string, KnownKey>();

/** Looked at for each check, and read when it has changed: a key that the operator mends works from the next check on. */
export async function readPrivateKey(file: string): Promise<ParsedKey> {
  try {
    const { mode, ino, size, mtimeMs, ctimeMs } = await stat(file);
    if ((mode & othersRead) !== 0) {
      const shown = (mode & 0o777).toString(8);
      throw new Fault('ssh.key-exposed', `private key ${file}: everybody can read it (mode ${shown})`);
    }
    const version = [ino, size, mtimeMs, ctimeMs].join(' ');
    const before = known.get(file);
    if (before?.version === version) return before.key;
    const key = parsed(file, await readFile(file));
    known.set(file, { version, key });
    return key;
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('ssh.key', `private key ${file}: ${troubleWords(error)}`, { cause: error });
  }
}

function parsed(file: string, content: Buffer): ParsedKey {
  const key = ssh2.utils.parseKey(content);
  // The parser's words name what is wrong (encrypted, malformed); they do not quote the key.
  if (key instanceof Error) throw new Fault('ssh.key', `private key ${file}: ${key.message}`, { cause: key });
  if (!key.isPrivateKey()) throw new Fault('ssh.key', `private key ${file}: this is a public key`);
  return signingAtOnce(key);
}

/** The library decodes the PEM for each signature, which takes ten times as long as an Ed25519 signature itself. */
function signingAtOnce(key: ParsedKey): ParsedKey {
  const decoded = createPrivateKey(key.getPrivatePEM());
  const signAsEver = key.sign.bind(key);
  key.sign = (blob, algorithm) => {
    const hash = key.type === 'ssh-ed25519' ? null : algorithm;
    // Only the library knows the hash of a key that it names none for.
    if (hash === undefined) return signAsEver(blob, algorithm);
    return sign(hash, typeof blob === 'string' ? Buffer.from(blob) : blob, decoded);
  };
  return key;
}
