import { noCredentials, type ApplicationCredential, type Credentials, type IdOrName } from '../domain/pool-config.js';
import type { CloudEntry } from './cloud-files.js';
import { isEntry } from './cloud-files.js';
import type { Env } from './environment.js';

/** What a cloud of clouds.yaml, or the environment, says of a provider. */
export interface Account {
  readonly credentials: Credentials;
  readonly regionName: string | null;
}

/** Reads the certificates that an entry names; `~` is the home of the user. */
export type ReadCertificates = (file: string) => { readonly text: string } | { readonly trouble: string };

/**
 * The words of clouds.yaml in ours. Its spellings of earlier years are taken too: `tenant_name`, `auth_plugin`,
 * `endpoint_type`, credentials beside `auth` rather than in it, one domain for user and project.
 */
export function accountOf(
  entry: CloudEntry,
  readCertificates: ReadCertificates,
): Account | { readonly trouble: string } {
  const { of, flag } = wordsOf(entry);
  const authUrl = of('auth_url');
  if (authUrl === null) {
    const profile = of('profile') ?? of('cloud');
    const instead = profile === null ? '' : `; the profile ${profile} is not known here`;
    return { trouble: `it has no auth_url${instead}` };
  }
  const login = loginOf(of);
  if ('trouble' in login) return login;
  const endpoints = interfaceOf(of('interface') ?? of('endpoint_type') ?? 'public');
  if (endpoints === null) return { trouble: 'its interface is none of public, internal and admin' };
  const cacert = of('cacert');
  const certificates = cacert === null ? null : readCertificates(cacert);
  if (certificates !== null && 'trouble' in certificates) {
    return { trouble: `cacert: ${cacert} cannot be used: ${certificates.trouble}` };
  }
  return {
    credentials: {
      ...noCredentials,
      ...login,
      authUrl,
      identityVersion: versionOf(of('identity_api_version')) ?? (of('auth_type') === 'v2password' ? 2 : null),
      projectName: of('project_name') ?? of('tenant_name'),
      projectId: of('project_id') ?? of('tenant_id'),
      projectDomain: domainOf(of, 'project_domain') ?? noCredentials.projectDomain,
      endpoints,
      caCertificates: certificates?.text ?? null,
      isPeerVerified: flag('verify') !== false && flag('insecure') !== true,
    },
    regionName: of('region_name') ?? onlyRegionOf(entry),
  };
}

/** The cloud that the environment describes: `OS_AUTH_URL` is its `auth_url`. */
export function entryOfEnvironment(env: Env): CloudEntry {
  const entries = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    name.startsWith('OS_') && value !== undefined && value !== '' ? [[name.slice(3).toLowerCase(), value]] : [],
  );
  return Object.fromEntries(entries);
}

type Of = (key: string) => string | null;

/** What is in `auth` goes before what stands beside it; dashes and underscores are the same. */
function wordsOf(entry: CloudEntry): { readonly of: Of; readonly flag: (key: string) => boolean | null } {
  const words = new Map<string, string>();
  const auth = entry['auth'];
  for (const map of [entry, auth !== undefined && isEntry(auth) ? auth : {}]) {
    for (const [key, value] of Object.entries(map)) {
      if (typeof value === 'string' && value !== '') words.set(key.replaceAll('-', '_'), value);
    }
  }
  const of: Of = key => words.get(key) ?? null;
  const flag = (key: string): boolean | null => {
    const word = of(key);
    return word === null ? null : /^(true|yes|on|1)$/i.test(word);
  };
  return { of, flag };
}

type LoginPart = Pick<Credentials, 'username' | 'userId' | 'userDomain' | 'password' | 'applicationCredential'>;

function loginOf(of: Of): LoginPart | { readonly trouble: string } {
  const type = of('auth_type') ?? of('auth_plugin');
  const user = {
    username: of('username') ?? of('user_name'),
    userId: of('user_id'),
    userDomain: domainOf(of, 'user_domain') ?? noCredentials.userDomain,
  };
  if (type === 'v3applicationcredential' || (type === null && of('application_credential_secret') !== null)) {
    const applicationCredential = applicationCredentialOf(of);
    if (typeof applicationCredential === 'string') return { trouble: applicationCredential };
    return { ...user, password: null, applicationCredential };
  }
  if (type !== null && !['password', 'v2password', 'v3password'].includes(type)) {
    return {
      trouble: `its auth_type ${type} is not known here: password, v2password, v3password, v3applicationcredential`,
    };
  }
  const password = of('password');
  if (user.username === null && user.userId === null) return { trouble: 'it has no username' };
  if (password === null) return { trouble: 'it has no password (it may be in secure.yaml)' };
  return { ...user, password, applicationCredential: null };
}

/** A text: what is missing. */
function applicationCredentialOf(of: Of): ApplicationCredential | string {
  const [id, name, secret] = ['id', 'name', 'secret'].map(part => of(`application_credential_${part}`));
  if (secret == null) return 'it has no application_credential_secret (it may be in secure.yaml)';
  if (id != null) return { credential: { id }, secret };
  if (name == null) return 'it has no application_credential_id';
  const isOwnerKnown = of('username') !== null || of('user_name') !== null || of('user_id') !== null;
  if (!isOwnerKnown) return 'an application credential by its name needs the username, or user_id, of its owner';
  return { credential: { name }, secret };
}

/** One `domain_…` may stand for both, and `default_domain` for whatever is not said. */
function domainOf(of: Of, whose: 'user_domain' | 'project_domain'): IdOrName | null {
  for (const prefix of [whose, 'domain', 'default_domain']) {
    const id = of(`${prefix}_id`);
    if (id !== null) return { id };
    const name = of(`${prefix}_name`);
    if (name !== null) return domainNamed(name);
  }
  const either = of('default_domain');
  return either === null ? null : domainNamed(either);
}

/** The domain that every Keystone has is `default` by its id and `Default` by its name; operators write either. */
export function domainNamed(name: string): IdOrName {
  return name === 'default' || isId(name) ? { id: name } : { name };
}

/** Keystone's own ids are UUIDs without dashes. */
export const isId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/** `publicURL` is what `endpoint_type` says. */
function interfaceOf(word: string): Credentials['endpoints'] | null {
  const name = word.replace(/URL$/i, '').toLowerCase();
  return name === 'public' || name === 'internal' || name === 'admin' ? name : null;
}

function versionOf(word: string | null): Credentials['identityVersion'] {
  if (word === null) return null;
  return /^v?3/.test(word) ? 3 : /^v?2/.test(word) ? 2 : null;
}

/** Of several regions the provider has to say which. */
function onlyRegionOf(entry: CloudEntry): string | null {
  const regions = entry['regions'];
  if (!Array.isArray(regions) || regions.length !== 1) return null;
  const [region] = regions as CloudEntry[string][];
  if (typeof region === 'string') return region;
  return region !== undefined && isEntry(region) && typeof region['name'] === 'string' ? region['name'] : null;
}
