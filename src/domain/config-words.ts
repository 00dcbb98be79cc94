/**
 * What differs between two things of the configuration, for people: in the words of the file, with the old and the new
 * value, and without secrets. `max-servers 10 → 20`, `images.precise added`, `password changed`.
 */

/** Of a list of differences so many are told. */
const toldMax = 12;
const charsMax = 60;

export function differences(before: object, after: object): string {
  const told = compare(before, after, []);
  const more = told.length > toldMax ? ` and ${told.length - toldMax} more` : '';
  return `${told.slice(0, toldMax).join(', ')}${more}`;
}

/** `path` is in our words. */
function compare(before: unknown, after: unknown, path: readonly string[]): string[] {
  if (Object.is(before, after)) return [];
  const where = keyText(path);
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap(key => compare(before[key], after[key], [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path);
  // A whole section has come or gone; secrets may be in it.
  if (isRecord(after)) return [`${where} added`];
  if (isRecord(before)) return [`${where} removed`];
  const [old, fresh] = [before, after].map(value => valueText(value, path));
  return old === fresh ? [`${where} changed`] : [`${where} ${old} → ${fresh}`];
}

function compareLists(before: readonly unknown[], after: readonly unknown[], path: readonly string[]): string[] {
  const where = keyText(path);
  const old = new Map(before.map(each => [nameIn(each), each]));
  const fresh = new Map(after.map(each => [nameIn(each), each]));
  const areNamed = !old.has(null) && !fresh.has(null) && old.size === before.length && fresh.size === after.length;
  // Nothing says which is which.
  if (!areNamed) return JSON.stringify(before) === JSON.stringify(after) ? [] : [`${where} changed`];
  const told = [
    ...[...old.keys()].filter(name => !fresh.has(name)).map(name => `${where}.${name} removed`),
    ...[...fresh].flatMap(([name, each]) =>
      old.has(name) ? compare(old.get(name), each, [...path, name ?? '']) : [`${where}.${name} added`],
    ),
  ];
  const isInOrder = [...old.keys()].join('\n') === [...fresh.keys()].join('\n');
  return told.length > 0 || isInOrder ? told : [`${where} in another order`];
}

/** A text is its own name; a network has one of several. */
function nameIn(item: unknown): string | null {
  if (typeof item === 'string') return item;
  if (!isRecord(item)) return null;
  return [item['name'], item['id'], item['portId']].find(each => typeof each === 'string') ?? null;
}

// ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of keys that are called otherwise here than in the file, beyond dashes and units. */
const fileKeys: Readonly<Record<string, string>> = {
  isPaused: 'pause',
  canaries: 'canary',
  userData: 'userdata',
  privateKeyFile: 'private-key',
  isPublic: 'public',
  fixedIp: 'v4-fixed-ip',
  caCertificates: 'cacert',
  isPeerVerified: 'verify',
  identityVersion: 'identity-api-version',
  endpoints: 'interface',
  trouble: 'cloud',
  caFile: 'ssl-ca',
  certFile: 'ssl-cert',
  keyFile: 'ssl-key',
  isLegacy: 'ssl-legacy',
};

/** In which the names are the operator's own. */
const freeNames: ReadonlySet<string> = new Set(['meta', 'envVars', 'images', 'cloudImages', 'networks']);

/** Ours are the file's with their unit behind them. What is in `credentials` has no section of its own in the file. */
function keyText(path: readonly string[]): string {
  const words = path.map((key, place) => (freeNames.has(path[place - 1] ?? '') ? key : fileKey(key)));
  return words
    .filter((word, place) => place > 0 || (word !== 'credentials' && word !== 'tls') || words.length === 1)
    .join('.')
    .replace(/^build-logs\./, 'build-log-');
}

function fileKey(ours: string): string {
  const named = Object.hasOwn(fileKeys, ours) ? fileKeys[ours] : undefined;
  return named ?? ours.replace(/(Ms|Mb)$/, '').replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

// ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** `config` knows which keys of the file are secret; these are ours, and what may hold one. */
const secretKeys: ReadonlySet<string> = new Set(['password', 'apikey', 'secret', 'userData', 'caCertificates']);
const mark = '***';

function valueText(value: unknown, path: readonly string[]): string {
  const key = path.at(-1) ?? '';
  if (value === null || value === undefined) return 'none';
  if (secretKeys.has(key) || path.includes('envVars')) return mark;
  if (typeof value === 'number') return String(isMilliseconds(path) ? value / 1000 : value);
  // Flags.
  if (typeof value !== 'string') return JSON.stringify(value);
  const text = withoutPassword(value).replaceAll(/\s+/g, ' ');
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

const isMilliseconds = (path: readonly string[]): boolean =>
  path[0] === 'timings' || (path.at(-1)?.endsWith('Ms') ?? false);

/** Of an address with a user in it. A password may have `/` and `@` in it, as that of `dburi`. */
function withoutPassword(text: string): string {
  return text.replace(/^(\w[\w+.-]*:\/\/[^:/@]*):.*@/s, `$1:${mark}@`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
