import { readFile, stat } from 'node:fs/promises';
import ssh2 from 'ssh2';

import { Fault } from '../../domain/fault.js';

/** The rest of the world. A group that may read the key is how some operators share it. */
const othersRead = 0o004;

/** Read for each check: a key that the operator mends works from the next check on. */
export async function readPrivateKey(file: string): Promise<Buffer> {
  let content: Buffer;
  try {
    const { mode } = await stat(file);
    if ((mode & othersRead) !== 0) {
      const shown = (mode & 0o777).toString(8);
      throw new Fault('ssh.key-exposed', `private key ${file}: everybody can read it (mode ${shown})`);
    }
    content = await readFile(file);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new Fault('ssh.key', `private key ${file}: ${words}`, { cause: error });
  }
  const parsed = ssh2.utils.parseKey(content);
  // The parser's words name what is wrong (encrypted, malformed); they do not quote the key.
  if (parsed instanceof Error) throw new Fault('ssh.key', `private key ${file}: ${parsed.message}`, { cause: parsed });
  if (!parsed.isPrivateKey()) throw new Fault('ssh.key', `private key ${file}: this is a public key`);
  return content;
}
