import { noCredentials } from '../domain/pool-config.js';
import type { Finding } from './check-keys.js';
import { accountOf, entryOfEnvironment, type Account, type ReadCertificates } from './cloud-entry.js';
import type { CloudFiles } from './cloud-files.js';
import type { BrokenReference } from './cross-check.js';
import type { DraftItem } from './draft.js';
import type { Env } from './environment.js';
import { nearest } from './formats.js';

/** What OpenStack's own programs call the cloud that the environment describes. */
const ENVIRONMENT = 'envvars';
/** One of them is enough to say that the file is meant, and not the environment. */
const credentialKeys = ['username', 'password', 'password-file', 'auth-url', 'project-id', 'project-name'];

/** The cloud that a provider takes its credentials from; null: they are keys of its own. */
export function cloudOf(provider: DraftItem, env: Env): string | null {
  const named = provider.text('cloud');
  if (named !== null) return named;
  if (credentialKeys.some(key => provider.has(key))) return null;
  return env['OS_CLOUD'] || (env['OS_AUTH_URL'] ? ENVIRONMENT : null);
}

export interface AccountSources {
  readonly env: Env;
  /** Asked only if a provider has a cloud. Null: files are not read here. */
  readonly cloudFiles: () => CloudFiles | null;
  /** Of an entry of this file; null: of the environment. */
  readonly readCertificates: (file: string | null) => ReadCertificates;
}

export interface CollectedAccounts {
  /** By name of the provider. */
  readonly accounts: ReadonlyMap<string, Account>;
  readonly broken: readonly BrokenReference[];
  readonly warnings: readonly Finding[];
}

/** The accounts of all providers that have a cloud. */
export function accountsOf(file: DraftItem, sources: AccountSources): CollectedAccounts {
  const accounts = new Map<string, Account>();
  const broken: BrokenReference[] = [];
  const warnings: Finding[] = [];
  let files: CloudFiles | null = null;
  for (const provider of file.items('providers')) {
    const cloud = cloudOf(provider, sources.env);
    if (cloud === null || provider.name === null) continue;
    files ??= cloud === ENVIRONMENT ? null : sources.cloudFiles();
    const found = accountIn(files, cloud, sources);
    if ('credentials' in found) {
      accounts.set(provider.name, { ...found, credentials: { ...found.credentials, cloud } });
      continue;
    }
    const path = [...provider.path, provider.has('cloud') ? 'cloud' : 'name'];
    const { message, suggestion } = found;
    if (found.isElsewhere) {
      // The file is looked at on another machine: what it says is not wrong. Where it is used, each call says this.
      accounts.set(provider.name, { credentials: { ...noCredentials, cloud, trouble: message }, regionName: null });
      if (files !== null) warnings.push({ path, at: 'value', message, suggestion });
    } else {
      broken.push({ path, at: 'value', message, suggestion, disables: { kind: 'provider', name: provider.name } });
    }
  }
  return { accounts, broken, warnings };
}

interface NoAccount {
  readonly message: string;
  readonly suggestion: string | null;
  readonly isElsewhere: boolean;
}

function accountIn(files: CloudFiles | null, cloud: string, sources: AccountSources): Account | NoAccount {
  const not = (message: string, suggestion: string | null = null): NoAccount => ({
    message: `cloud ${cloud}: ${message}`,
    suggestion,
    isElsewhere: false,
  });
  if (cloud === ENVIRONMENT) {
    const found = accountOf(entryOfEnvironment(sources.env), sources.readCertificates(null));
    return 'trouble' in found ? not(`${found.trouble}, in the variables OS_… of the environment`) : found;
  }
  const clouds = files?.clouds ?? null;
  if (clouds === null) {
    const places = files?.places.filter(place => place.endsWith('clouds.yaml')) ?? [];
    return { ...not(`there is no clouds.yaml (looked for: ${places.join(', ')})`), isElsewhere: true };
  }
  if ('trouble' in clouds) return not(`${clouds.file} cannot be used: ${clouds.trouble}`);
  const entry = clouds.clouds.get(cloud);
  if (entry === undefined) {
    const names = [...clouds.clouds.keys()];
    return not(`${clouds.file} has no such cloud`, nearest(cloud, names));
  }
  const found = accountOf(entry, sources.readCertificates(clouds.file));
  return 'trouble' in found ? not(`${clouds.file}: ${found.trouble}`) : found;
}
