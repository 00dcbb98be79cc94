import type { JenkinsNode, SshLauncher } from './computer.js';
import { crash, failure } from './pages.js';
import type { Profile } from './settings.js';

const nodeClasses = new Set(['hudson.slaves.DumbSlave', 'hudson.slaves.DumbSlave$DescriptorImpl']);
const launcherClass = 'hudson.plugins.sshslaves.SSHLauncher';
const verifiers = 'hudson.plugins.sshslaves.verifiers.';
const illegalInNames = /[?*/\\%!@#$^&|<>[\]:;\p{Cc}]/u;

interface FormContext {
  readonly profile: Profile;
  /** The id of the only credentials that the master has. */
  readonly credentialsId: string;
  readonly isTaken: (name: string) => boolean;
}

/** Binds the fields of `doCreateItem`, or refuses them as a master of that generation does. */
export function bindNode(fields: URLSearchParams, context: FormContext): JenkinsNode {
  const name = (fields.get('name') ?? '').trim();
  if (name === '') throw failure('Query parameter name is required');
  if (name === '.' || name === '..') throw failure(`“${name}” is not a safe name`);
  const illegal = illegalInNames.exec(name)?.[0];
  if (illegal !== undefined) throw failure(`‘${illegal}’ is an unsafe character`);
  if (context.profile === 'new' && name.endsWith('.')) throw failure('A name cannot end with ‘.’');
  if (context.isTaken(name)) throw failure(`Agent called ‘${name}’ already exists`);
  const form = parseForm(fields.get('json'));
  if (!nodeClasses.has(fields.get('type') ?? '')) throw crash('java.lang.NullPointerException');
  return bindForm({ name, form, context });
}

type Form = Readonly<Record<string, unknown>>;

function parseForm(text: string | null): Form {
  if (text === null || text === '') throw failure('Missing json');
  try {
    const form: unknown = JSON.parse(text);
    if (isForm(form)) return form;
  } catch {
    // Answered below, like JSON that is no object.
  }
  throw failure('Bad json');
}

function isForm(value: unknown): value is Form {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bindForm({ name, form, context }: { name: string; form: Form; context: FormContext }): JenkinsNode {
  const executors = executorsOf(form['numExecutors']);
  if (context.profile === 'old' && executors <= 0) throw failure('Invalid agent configuration: executors');
  if (executors < 0) throw failure('Number of executors must not be negative');
  if (context.profile === 'old' && !isForm(form['nodeProperties'])) throw crash('java.lang.NullPointerException');
  if (isForm(form['retentionStrategy'])) classOf(form['retentionStrategy'], context.profile);
  return {
    name,
    description: text(form['nodeDescription']),
    executors,
    remoteFs: text(form['remoteFS']),
    labels: text(form['labelString']).split(/\s+/).filter(Boolean),
    mode: form['mode'] === 'EXCLUSIVE' ? 'EXCLUSIVE' : 'NORMAL',
    launcher: isForm(form['launcher']) ? bindLauncher(form['launcher'], context) : null,
  };
}

function bindLauncher(form: Form, context: FormContext): SshLauncher {
  if (classOf(form, context.profile) !== launcherClass) throw crash('java.lang.ClassCastException');
  const given = text(form['credentialsId']);
  if (context.profile === 'old' && given === '') throw crash('java.lang.IllegalArgumentException: credentialsId');
  // An old master forgets an id it does not know; a new one keeps it, and both fail to launch.
  const isKnown = given === context.credentialsId;
  return {
    host: text(form['host']),
    port: Number(form['port']) || 22,
    credentialsId: isKnown || context.profile === 'new' ? given : null,
    hostKey: context.profile === 'new' ? hostKeyOf(form['sshHostKeyVerificationStrategy']) : null,
  };
}

/** Old masters read `stapler-class` only; new ones take both, and `$class` wins. */
function classOf(form: Form, profile: Profile): string {
  const stapler = form['stapler-class'];
  const found = profile === 'new' ? (form['$class'] ?? stapler) : stapler;
  if (typeof found !== 'string') throw crash('java.lang.LinkageError: no class given');
  return found;
}

function hostKeyOf(strategy: unknown): string | null {
  if (!isForm(strategy) || classOf(strategy, 'new') !== `${verifiers}ManuallyProvidedKeyVerificationStrategy`)
    return null;
  const key = text(strategy['key']).trim();
  if (!/^\S+ \S+$/.test(key)) throw crash('Key should be 2 fields separated by a space');
  return key;
}

function executorsOf(value: unknown): number {
  const count = Number(value ?? 1);
  return Number.isInteger(count) ? count : 1;
}

/** Numbers may come as strings and the other way round; null is the same as absent. */
function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
