import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve as resolvePath } from 'node:path';
import type { FileText } from '../domain/cut-short.js';
import type { Disabled, PoolConfig } from '../domain/pool-config.js';
import type { AccountSources } from './accounts.js';
import { checkKeys } from './check-keys.js';
import type { Finding } from './check-keys.js';
import { readCloudFiles, type CloudFiles } from './cloud-files.js';
import { secretsOf } from './credentials.js';
import { crossCheck } from './cross-check.js';
import { parseYaml } from './document.js';
import type { ConfigDocument } from './document.js';
import { draftOf } from './draft.js';
import type { DraftItem } from './draft.js';
import { withEnvironment } from './environment.js';
import type { Env } from './environment.js';
import { databaseUri, nearest } from './formats.js';
import { pathText, problemText, sorted } from './problem.js';
import type { Problem } from './problem.js';
import { resolve } from './resolve.js';
import { noSecureFile, readSecure } from './secure.js';
import type { SecureFile } from './secure.js';
import type { ReadSecretFile } from './secrets.js';
import { readText, type Unread } from './text-file.js';

/**
 * Syntax, type and unknown-key errors refuse the file. A bad cross reference does not: what it names is left out, and
 * listed in `config.disabled`. Problems are sorted by file and line; warnings are among them.
 */
export type ConfigResult =
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | {
      readonly kind: 'usable';
      readonly config: PoolConfig;
      readonly problems: readonly Problem[];
      readonly source: FileText;
    };

export const SECURE_FILE = '/etc/nodepool/secure.conf';

export interface LoadOptions {
  readonly file: string;
  /** Absent: the usual place, where it need not be. Null: none. A name: it must be there. */
  readonly secureFile?: string | null | undefined;
  readonly env: Env;
  /** False for `demo`, `rehearse` and offline commands: `dburi` may be missing. */
  readonly needsDatabase: boolean;
}

/** With the files that it was read from, or would have been. */
export type LoadedConfig = ConfigResult & { readonly files: readonly string[] };

/** Reads the file, and those it names. Never throws: what cannot be read is a problem. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const files = [options.file, options.secureFile ?? SECURE_FILE];
  const result = loadFiles(options, file => files.push(file));
  return { ...result, files: [...new Set(files)] };
}

function loadFiles(options: LoadOptions, note: (file: string) => void): ConfigResult {
  const main = readText(options.file);
  const wanted = options.secureFile === undefined ? (existsSync(SECURE_FILE) ? SECURE_FILE : null) : options.secureFile;
  const secure = wanted === null ? null : { file: wanted, ...readText(wanted) };
  const troubles = [
    ...('trouble' in main ? [unreadable(options.file, main)] : []),
    ...(secure !== null && 'trouble' in secure ? [unreadable(secure.file, secure)] : []),
  ];
  if ('trouble' in main || (secure !== null && 'trouble' in secure)) return { kind: 'refused', problems: troubles };
  return readConfig(main.text, {
    file: options.file,
    secure,
    env: options.env,
    needsDatabase: options.needsDatabase,
    stateDir: usualStateDir(options.env),
    readSecretFile: name => {
      const path = resolvePath(dirname(options.file), name);
      note(path);
      return readSimply(path);
    },
    cloudFiles: () => findCloudFiles(options.env, note),
    readCertificates: of => name => {
      const path = resolvePath(of === null ? '.' : dirname(of), name.replace(/^~(?=\/)/, homeOf(options.env)));
      note(path);
      return readSimply(path);
    },
  });
}

const homeOf = (env: Env): string => env['HOME'] || homedir();

function readSimply(path: string): { readonly text: string } | { readonly trouble: string } {
  const read = readText(path);
  return 'trouble' in read ? { trouble: read.trouble } : read;
}

/** All places are noted: a file that appears in one goes before those behind it. */
function findCloudFiles(env: Env, note: (file: string) => void): CloudFiles {
  const found = readCloudFiles({ env, home: homeOf(env), currentDir: process.cwd() }, file =>
    existsSync(file) ? readSimply(file) : null,
  );
  for (const place of found.places) note(place);
  return found;
}

export interface ReadOptions extends Partial<Omit<AccountSources, 'env'>> {
  /** Name for the problems. */
  readonly file: string;
  readonly secure?: { readonly file: string; readonly text: string } | null;
  readonly env?: Env;
  readonly needsDatabase?: boolean;
  /** Where state goes when the file does not say. */
  readonly stateDir?: string;
  readonly readSecretFile?: ReadSecretFile;
}

/** The same over texts that have been read: no I/O. */
export function readConfig(text: string, options: ReadOptions): ConfigResult {
  const secure =
    options.secure == null
      ? { secure: noSecureFile, problems: [] }
      : readSecure(options.secure.text, options.secure.file);
  const parsed = parseYaml(text);
  if ('syntax' in parsed) {
    const problems = parsed.syntax.map((found): Problem => ({
      file: options.file,
      path: '',
      suggestion: null,
      severity: 'error',
      ...found,
    }));
    return { kind: 'refused', problems: sorted([...problems, ...secure.problems]) };
  }
  if (parsed.raw === null || parsed.raw === undefined) {
    const message = text.trim() === '' ? 'the file is empty' : 'the file has only comments';
    const empty = placed(parsed, options.file, 'error')({ path: [], at: 'value', message, suggestion: null });
    return { kind: 'refused', problems: sorted([empty, ...secure.problems]) };
  }
  return readDocument(parsed, { ...secure, options });
}

interface Surroundings {
  readonly secure: SecureFile;
  readonly problems: readonly Problem[];
  readonly options: ReadOptions;
}

function readDocument(document: ConfigDocument, { secure, problems, options }: Surroundings): ConfigResult {
  const env = options.env ?? {};
  const unread = { trouble: 'files are not read here' };
  const { readSecretFile = () => unread, cloudFiles = () => null, readCertificates = () => () => unread } = options;
  const error = placed(document, options.file, 'error');
  const warning = placed(document, options.file, 'warning');

  const checked = checkKeys(document);
  const { keys, findings: ofEnvironment } = withEnvironment(checked.keys, env);
  const draft = draftOf(checked.raw);
  const sources = { env, readSecretFile, secure, cloudFiles, readCertificates };
  const { secrets, findings: ofSecrets, ...ofFiles } = secretsOf(draft, sources);
  const { refusals, ...references } = crossCheck(draft, env);
  const broken = [...references.broken, ...ofFiles.broken];

  const refusing = [...checked.findings, ...ofEnvironment, ...ofSecrets, ...refusals];
  const ofDatabase = databaseFinding(secrets.dburi, draft, options.needsDatabase === true);
  if (ofDatabase !== null && !refusing.some(finding => String(finding.path[0]).startsWith('dburi'))) {
    refusing.push(ofDatabase);
  }
  const disabled = broken.map((reference): Disabled => ({
    ...reference.disables,
    reason: problemText(error(reference)),
  }));
  const all = sorted([
    ...problems,
    ...refusing.map(error),
    ...broken.map(error),
    ...[...references.warnings, ...ofFiles.warnings].map(warning),
    ...secureWarnings(secure, draft, options),
  ]);
  if (keys === null || refusing.length > 0 || problems.length > 0) return { kind: 'refused', problems: all };
  const stateDir = options.stateDir ?? FALLBACK_STATE_DIR;
  const config = resolve(keys, secrets, { stateDir, disabled });
  return {
    kind: 'usable',
    config,
    problems: all,
    source: { text: document.text, sections: Object.keys(keysAtTop(document.raw)) },
  };
}

const keysAtTop = (raw: unknown): object => (typeof raw === 'object' && raw !== null ? raw : {});

/** A URI from the environment, a file or secure.conf has not been seen by the check of the keys. */
function databaseFinding(dburi: string | null, draft: DraftItem, isNeeded: boolean): Finding | null {
  const path = ['dburi'];
  if (dburi === null) {
    if (!isNeeded || draft.has('dburi')) return null;
    const message = 'missing key dburi (or dburi-file, NODEPOOLD_DBURI, or secure.conf)';
    return { path, at: 'parent', message, suggestion: null };
  }
  const complaint = databaseUri(dburi);
  return complaint === null
    ? null
    : { path, at: 'key', message: `dburi: ${complaint.message}`, suggestion: complaint.suggestion };
}

function secureWarnings(secure: SecureFile, draft: DraftItem, options: ReadOptions): Problem[] {
  const targets = draft.items('targets').flatMap(target => target.name ?? []);
  return [...secure.jenkins]
    .filter(([name]) => !targets.includes(name))
    .map(([name, { line }]) => ({
      file: options.secure?.file ?? SECURE_FILE,
      line,
      column: 1,
      path: `[jenkins "${name}"]`,
      message: `there is no target ${name}`,
      suggestion: nearest(name, targets),
      severity: 'warning',
    }));
}

const placed =
  (document: ConfigDocument, file: string, severity: Problem['severity']) =>
  (finding: Finding): Problem => {
    const { path, at, message, suggestion } = finding;
    const position =
      at === 'key'
        ? document.positionOfKey(path)
        : at === 'value'
          ? document.positionOfValue(path)
          : document.positionOfKey(path.slice(0, -1));
    return { file, ...position, path: pathText(path), message, suggestion, severity };
  };

function unreadable(file: string, { trouble, line, column }: Unread): Problem {
  return { file, line, column, path: '', message: trouble, suggestion: null, severity: 'error' };
}

const FALLBACK_STATE_DIR = '/var/lib/nodepool';

/** systemd's answer, then the usual place of a service, then that of a user. */
function usualStateDir(env: Env): string {
  // systemd gives several directories with colons between them.
  const given = env['STATE_DIRECTORY']?.split(':')[0];
  if (given !== undefined && given !== '') return given;
  try {
    accessSync(FALLBACK_STATE_DIR, constants.W_OK);
    return FALLBACK_STATE_DIR;
  } catch {
    return join(env['HOME'] || homedir(), '.local', 'state', 'nodepool');
  }
}
