import { readFile } from 'node:fs/promises';
import ssh2 from 'ssh2';

import { Fault } from '../../domain/fault.js';

/** Read for each check: a key that the operator mends works from the next check on. */
export async function readPrivateKey(file: string): Promise<Buffer> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Fault('ssh.key', `private key ${file}: ${words}`, { cause: error });
  }
  const parsed = ssh2.utils.parseKey(content);
  // The parser's words name what is wrong (encrypted, malformed); they do not quote the key.
  if (parsed instanceof Error) throw new Fault('ssh.key', `private key ${file}: ${parsed.message}`, { cause: parsed });
  if (!parsed.isPrivateKey()) throw new Fault('ssh.key', `private key ${file}: this is a public key`);
  return content;
}
