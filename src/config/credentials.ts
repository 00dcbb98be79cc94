import { accountsOf, cloudOf, type AccountSources } from './accounts.js';
import type { Finding } from './check-keys.js';
import type { Account } from './cloud-entry.js';
import type { BrokenReference } from './cross-check.js';
import type { DraftItem } from './draft.js';
import type { SecureFile } from './secure.js';
import { secret, secretVariable } from './secrets.js';
import type { FoundSecret, ReadSecretFile } from './secrets.js';

/** Every secret of the configuration, from wherever it came. */
export interface Secrets {
  readonly dburi: string | null;
  /** By name of the provider; none for a provider of clouds.yaml. */
  readonly passwords: ReadonlyMap<string, string>;
  /** PEM, by name of the provider: of those that have `cacert`. */
  readonly caCertificates: ReadonlyMap<string, string>;
  /** By name of the provider: of those that have a cloud. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** By name of the target; null for a target without Jenkins. */
  readonly masters: ReadonlyMap<string, Master | null>;
}

export interface Master {
  readonly url: string;
  readonly user: string;
  readonly apikey: string;
  readonly credentialsId: string | null;
}

export interface SecretSources extends AccountSources {
  readonly readSecretFile: ReadSecretFile;
  readonly secure: SecureFile;
}

export interface CollectedSecrets {
  readonly secrets: Secrets;
  readonly findings: readonly Finding[];
  /** A secret file that cannot be read takes away one provider or target, and not the others. */
  readonly broken: readonly BrokenReference[];
  readonly warnings: readonly Finding[];
}

/** Collects the secrets; what is missing or contradicts itself is a finding each. */
export function secretsOf(file: DraftItem, sources: SecretSources): CollectedSecrets {
  const findings: Finding[] = [];
  const broken: BrokenReference[] = [];
  const passwords = new Map<string, string>();
  const caCertificates = new Map<string, string>();
  const masters = new Map<string, Master | null>();
  const take = (found: FoundSecret, disables: BrokenReference['disables'] | null) => {
    findings.push(...found.findings);
    if (found.unreadable && disables) broken.push({ ...found.unreadable, disables });
    else if (found.unreadable) findings.push(found.unreadable);
    return found;
  };
  const missing = (item: DraftItem, key: string, or: string) =>
    findings.push({ path: [...item.path, key], at: 'parent', message: `missing key ${key}${or}`, suggestion: null });

  const dburi = take(
    secret(
      {
        owner: [],
        key: 'dburi',
        variable: 'NODEPOOLD_DBURI',
        fileValue: sources.env['NODEPOOLD_DBURI_FILE'] || file.text('dburi-file'),
        secureValue: sources.secure.dburi?.value ?? null,
        plainValue: file.text('dburi'),
      },
      sources,
    ),
    null,
  ).value;

  for (const provider of file.items('providers')) {
    const variable = secretVariable('PROVIDER', provider.name ?? '', 'PASSWORD');
    const found = take(
      secret(
        {
          owner: provider.path,
          key: 'password',
          variable,
          fileValue: provider.text('password-file'),
          secureValue: null,
          plainValue: provider.text('password'),
        },
        sources,
      ),
      { kind: 'provider', name: provider.name ?? '' },
    );
    if (found.value !== null && provider.name !== null) passwords.set(provider.name, found.value);
    const isSilent = isUnsaid(found) && !provider.has('password') && cloudOf(provider, sources.env) === null;
    if (found.value === null && isSilent) missing(provider, 'password', ` (or password-file, ${variable}, or cloud)`);

    const cacert = provider.text('cacert');
    if (cacert === null || provider.name === null) continue;
    const read = sources.readSecretFile(cacert);
    if ('text' in read) caCertificates.set(provider.name, read.text);
    else {
      const message = `cacert: ${cacert} cannot be used: ${read.trouble}`;
      const disables = { kind: 'provider', name: provider.name } as const;
      broken.push({ path: [...provider.path, 'cacert'], at: 'value', message, suggestion: null, disables });
    }
  }

  for (const target of file.items('targets')) {
    const name = target.name ?? '';
    const jenkins = target.section('jenkins');
    const secure = sources.secure.jenkins.get(name);
    const variable = secretVariable('TARGET', name, 'APIKEY');
    const url = secure?.url?.value ?? jenkins?.text('url') ?? null;
    const user = secure?.user?.value ?? jenkins?.text('user') ?? null;
    const found = take(
      secret(
        {
          owner: [...target.path, 'jenkins'],
          key: 'apikey',
          variable,
          fileValue: jenkins?.text('apikey-file') ?? null,
          secureValue: secure?.apikey?.value ?? null,
          plainValue: jenkins?.text('apikey') ?? null,
        },
        sources,
      ),
      { kind: 'target', name },
    );
    if (url !== null && user !== null && found.value !== null) {
      const credentialsId = secure?.credentials?.value ?? jenkins?.text('credentials-id') ?? null;
      masters.set(name, { url, user, apikey: found.value, credentialsId });
      continue;
    }
    // 0.3 leaves only `test-job` in this file: without its section in secure.conf the target has no Jenkins.
    masters.set(name, null);
    const isStarted = ['url', 'user', 'apikey', 'apikey-file'].some(key => jenkins?.has(key) === true);
    if (jenkins === null || !isStarted || secure !== undefined) continue;
    if (!jenkins.has('url')) missing(jenkins, 'url', '');
    if (!jenkins.has('user')) missing(jenkins, 'user', '');
    const isSilent = isUnsaid(found) && !jenkins.has('apikey');
    if (found.value === null && isSilent) missing(jenkins, 'apikey', ` (or apikey-file, or ${variable})`);
  }
  const collected = accountsOf(file, sources);
  return {
    secrets: { dburi, passwords, caCertificates, accounts: collected.accounts, masters },
    findings,
    broken: [...broken, ...collected.broken],
    warnings: collected.warnings,
  };
}

/** Nothing has been said yet of why there is none. */
const isUnsaid = ({ findings, unreadable }: FoundSecret): boolean => findings.length === 0 && unreadable === null;
