/**
 * A login to PostgreSQL (SCRAM) as cheap as it can be: pg makes a key of the password by thousands of hashes for each
 * connection, always the same one while the salt is, and sends four small hashes through the thread pool. That was a
 * tenth of what a launch costs us (docs/benchmarks.md, W1). Here the key is made once, as RFC 5802 allows.
 */
import { createHash, createHmac } from 'node:crypto';
import { createRequire } from 'node:module';

/** What of pg's own functions is replaced. */
interface PgCrypto {
  deriveKey(password: string, salt: Uint8Array, iterations: number): Promise<ArrayBuffer>;
  hmacSha256(key: ArrayBuffer | Uint8Array, text: string): Promise<Uint8Array>;
  sha256(bytes: ArrayBuffer | Uint8Array): Promise<Uint8Array>;
}

const pgCrypto = createRequire(import.meta.url)('pg/lib/crypto/utils.js') as PgCrypto;

/** Of the users of a few databases; a server gives each user one salt until the password is set anew. */
const keysMax = 20;
const keys = new Map<string, Promise<ArrayBuffer>>();
const derive = pgCrypto.deriveKey.bind(pgCrypto);

pgCrypto.deriveKey = (password, salt, iterations) => {
  const place = JSON.stringify([password, Buffer.from(salt).toString('base64'), iterations]);
  const known = keys.get(place);
  if (known) return known;
  const key = derive(password, salt, iterations);
  if (keys.size >= keysMax) keys.clear();
  keys.set(place, key);
  key.catch(() => keys.delete(place));
  return key;
};

pgCrypto.hmacSha256 = (key, text) => Promise.resolve(createHmac('sha256', bytesOf(key)).update(text, 'utf8').digest());

pgCrypto.sha256 = bytes => Promise.resolve(createHash('sha256').update(bytesOf(bytes)).digest());

function bytesOf(bytes: ArrayBuffer | Uint8Array): Uint8Array {
  return bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
}
