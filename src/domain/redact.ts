/** A proxy's error page may show what it was asked, and what it was asked with; a message for people must not. */

/** Shorter ones are in every text, and no secrets. */
const charsMin = 6;
const mark = '***';

/** The text with each secret replaced, also where it is written as in a URL. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter(secret => secret.length >= charsMin)
    .flatMap(secret => [secret, encodeURIComponent(secret)])
    .reduce((clean, secret) => clean.replaceAll(secret, mark), text);
}

/** The texts in what is sent that are there under the name of a secret. */
export function secretsIn(sent: unknown): readonly string[] {
  if (typeof sent !== 'object' || sent === null) return [];
  return Object.entries(sent).flatMap(([key, value]) =>
    typeof value === 'string' && /password|secret|token|apikey/i.test(key) ? [value] : secretsIn(value),
  );
}
