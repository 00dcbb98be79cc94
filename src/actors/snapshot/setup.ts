/** What is done on a template server: who may log in there, and the setup (reference 10.3, 10.4 and 12.3). */
import { Fault } from '../../domain/fault.js';
import { environmentPrefix, shellQuote } from '../../domain/quote.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import type { ShellCheck, ShellLogin, ShellResult } from '../../ports/shell.js';
import { scriptEnding } from '../script-ending.js';
import type { Settings } from '../settings.js';
import type { StepIo } from './step.js';
import { need, tagOf } from './names.js';

/** Whom the images of distributions let in, where it is not root. */
const bootstrapUsers = ['root', 'ubuntu', 'fedora', 'cloud-user', 'centos', 'debian'];

/** The path of non-root logins is too short for setup scripts (lesson 130). */
const path = '/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin';

/**
 * Asks for one user after the other, again and again, until one may run commands. A port that refuses says nothing of
 * users yet. One that answers and then does not let in may do so for seconds, only to say who else may log in; and the
 * user that may is perhaps not made yet (lessons 122 and 128).
 */
export async function findLogin(io: StepIo): Promise<{ hostKey: string; username: string }> {
  const { row, settings, task, progress } = io;
  const { image } = need(row, settings);
  const users = [...new Set([...bootstrapUsers, image.username])];
  const { templateSsh, distroSsh } = settings.timings;
  const until = (row.stepAt ?? task.now()) + templateSsh;
  let trouble = new Fault('ssh.timeout', 'nobody was tried');
  let n = 0;
  do {
    const username = users[n % users.length] ?? 'root';
    progress(`as ${username}`);
    const outcome = await attempt({ ...(await loginOf(io)), username, hostKey: null }, distroSsh, io);
    if (!(outcome instanceof Fault)) return { hostKey: outcome.hostKey, username };
    if (task.signal.aborted || outcome.retry === 'never') throw outcome;
    // What one user is refused for says more than that another one was not waited for.
    if (trouble.kind !== 'ssh.auth') trouble = outcome;
    n = outcome.kind === 'ssh.unreachable' ? 0 : n + 1;
  } while (task.now() < until);
  throw new Fault(trouble.kind, `none of ${users.join(', ')} may log in: ${trouble.message}`, { cause: trouble });
}

async function attempt(
  login: ShellLogin,
  deadlineMs: number,
  { shell, task: { signal } }: StepIo,
): Promise<ShellCheck | Fault> {
  try {
    return await shell.check(login, { deadlineMs, signal });
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

async function loginOf({ row, settings, outside }: StepIo): Promise<Omit<ShellLogin, 'username' | 'hostKey'>> {
  const { provider, image } = need(row, settings);
  const privateKeyFile =
    provider.keypair === null ? (await outside.builds.key(tagOf(row))).privateKeyFile : image.privateKeyFile;
  return { host: row.ip ?? '', port: image.sshPort, privateKeyFile };
}

/** Copies the scripts and runs the setup over one connection; its output is in the log of the build. */
export async function setUp(io: StepIo): Promise<void> {
  const { row, settings, task, shell, outside } = io;
  const { scriptDir } = settings.config;
  const { script, checkSsh } = settings.timings;
  const { provider, image, version } = row;
  const login = { ...(await loginOf(io)), username: row.username ?? 'root', hostKey: row.hostKey };
  const result = await shell.work(
    login,
    {
      files: [],
      directory: scriptDir === null ? null : { local: scriptDir, remote: 'scripts' },
      command: setupCommand(row, settings, outside.builds.environment),
      logFile: outside.builds.logFile({ provider, image, version: version ?? 0 }),
    },
    { loginDeadlineMs: checkSsh, deadlineMs: script, signal: task.signal },
  );
  if (result.exitCode !== 0) throw scriptFailed(result);
}

/** All that it said is in the log. */
function scriptFailed(result: ShellResult): Fault {
  const { how, said } = scriptEnding(result);
  return new Fault('build.script', `the setup ${how}${said}`);
}

export function setupCommand(
  row: SnapshotRow,
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): string {
  const { image } = need(row, settings);
  const scripts = settings.config.scriptDir === null ? [] : copyScripts;
  const run =
    image.setup === null
      ? []
      : [`${environmentPrefix(environment)}./${shellQuote(image.setup)} ${shellQuote(row.hostname ?? '')}`];
  return [...prepareMachine, ...scripts, ...run, ...flush].join('\n');
}

/** Later logins may have no sudo, so that the directory for a node's files is open to all (lesson 114). */
const prepareMachine = [
  'set -e',
  `export PATH=${path}`,
  'if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi',
  '$sudo mkdir -p /etc/nodepool /opt',
  '$sudo chmod 0777 /etc/nodepool',
];

const copyScripts = [
  '$sudo rm -rf /opt/nodepool-scripts',
  '$sudo mv scripts /opt/nodepool-scripts',
  '$sudo chmod -R a+rx /opt/nodepool-scripts',
  'cd /opt/nodepool-scripts',
];

/** A snapshot does not see what the machine has not written to its disk yet (lesson 113). */
const flush = ['sync', 'sleep 5'];
