import type { Finding } from './check-keys.js';
import type { Env } from './environment.js';
import type { Path } from './problem.js';

/** What a `*-file` key names, read; reading is the caller's. */
export type ReadSecretFile = (file: string) => { readonly text: string } | { readonly trouble: string };

/** One secret and the places where it may be, in the order in which they count. */
export interface SecretPlaces {
  /** Path of the map that has the key, its `-file` twin, or neither. */
  readonly owner: Path;
  readonly key: string;
  readonly variable: string;
  readonly fileValue: string | null;
  readonly secureValue: string | null;
  readonly plainValue: string | null;
}

export interface FoundSecret {
  readonly value: string | null;
  readonly findings: readonly Finding[];
  /** The `*-file` is named, and cannot be used: the secret is there, but not for us. */
  readonly unreadable: Finding | null;
}

/** The environment goes before the `*-file`, that before secure.conf, and that before nodepool.yaml. */
export function secret(
  places: SecretPlaces,
  sources: { readonly env: Env; readonly readSecretFile: ReadSecretFile },
): FoundSecret {
  const { owner, key, fileValue, plainValue } = places;
  if (fileValue !== null && plainValue !== null) {
    const message = `${key} and ${key}-file are both given; one of them is to go`;
    const both: Finding = { path: [...owner, `${key}-file`], at: 'key', message, suggestion: null };
    return { value: null, findings: [both], unreadable: null };
  }
  const ofEnvironment = sources.env[places.variable];
  if (ofEnvironment !== undefined && ofEnvironment !== '') return found(ofEnvironment);
  if (fileValue === null) return found(places.secureValue ?? plainValue);

  const read = sources.readSecretFile(fileValue);
  const trouble = 'trouble' in read ? read.trouble : read.text.trim() === '' ? 'it is empty' : null;
  if (trouble !== null) {
    const message = `${key}-file: ${fileValue} cannot be used: ${trouble}`;
    return { ...found(null), unreadable: { path: [...owner, `${key}-file`], at: 'value', message, suggestion: null } };
  }
  return found('text' in read ? read.text.trim() : null);
}

const found = (value: string | null): FoundSecret => ({ value, findings: [], unreadable: null });

/** `NODEPOOLD_PROVIDER_RAX_DFW_PASSWORD` for the password of `rax-dfw`. */
export function secretVariable(kind: 'PROVIDER' | 'TARGET', name: string, key: 'PASSWORD' | 'APIKEY'): string {
  return `NODEPOOLD_${kind}_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_${key}`;
}
