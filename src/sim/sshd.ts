import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKeyPair } from '../adapters/ssh/key-pair.js';
import { runCommands, type CommandOutcome, type ScriptOutcome, type ScriptRun } from './commands.js';
import type { Machine } from './machines.js';
import { serveSftp } from './sftp.js';
import ssh2, { type AuthContext, type Connection, type ParsedKey, type ServerChannel } from 'ssh2';

/** One SSH service that answers for every machine of a world. */
export interface Sshd {
  /** Serves SSH on a connection that somebody has accepted at the machine's address. */
  greet(socket: Socket, machine: Machine): void;
  /** What scripts do when they are run; by default they succeed. May be changed at any time. */
  onScript: (run: ScriptRun) => ScriptOutcome;
  /** Every script that was run, in order. */
  readonly scripts: readonly ScriptRun[];
  /** The only key that opens, OpenSSH format, mode 0600. */
  readonly privateKeyFile: string;
  /** `TYPE BASE64`. */
  readonly hostKey: string;
  close(): Promise<void>;
}

export async function startSshd(options: {
  readonly usernames: readonly string[];
  readonly sleep: (ms: number) => Promise<void>;
}): Promise<Sshd> {
  const hostKeys = await newKeyPair();
  const clientKeys = await newKeyPair();
  const worldKey = parsedKey(clientKeys.publicKey);
  if (!worldKey) throw new Error('the key of the world cannot be read');
  const folder = await mkdtemp(join(tmpdir(), 'nodepool-world-'));
  const privateKeyFile = join(folder, 'id_ed25519');
  await writeFile(privateKeyFile, clientKeys.privateKey, { mode: 0o600 });

  const usernames = new Set(options.usernames);
  const scripts: ScriptRun[] = [];
  const playScript = async (run: ScriptRun): Promise<ScriptOutcome> => {
    scripts.push(run);
    const outcome = sshd.onScript(run);
    await options.sleep(outcome.tookMs ?? 0);
    return outcome;
  };

  const servers = new WeakMap<Machine, ssh2.Server>();
  const serve = (connection: Connection, machine: Machine): void => {
    let username = '';
    // A client that drops the connection is everyday: the pool looks whether the port answers.
    connection.on('error', () => {});
    connection.on('authentication', context => {
      ({ username } = context);
      if (mayEnter(context, { worldKey, usernames, machine })) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('ready', () => serveSessions(connection, () => ({ machine, username, onScript: playScript })));
  };
  /** One for each machine: a connection does not tell where it was accepted. */
  const serverOf = (machine: Machine): ssh2.Server => {
    const known = servers.get(machine);
    if (known) return known;
    const server = new ssh2.Server({ hostKeys: [hostKeys.privateKey] }, connection => serve(connection, machine));
    servers.set(machine, server);
    return server;
  };
  const sshd: Sshd = {
    greet: (socket, machine) => serverOf(machine).injectSocket(socket),
    onScript: () => ({}),
    scripts,
    privateKeyFile,
    hostKey: hostKeys.publicKey.split(' ').slice(0, 2).join(' '),
    close: () => rm(folder, { recursive: true, force: true }),
  };
  return sshd;
}

/** The world's key opens every machine to its users; the key that a server was made with opens it to root. */
function mayEnter(
  context: AuthContext,
  allowed: { worldKey: ParsedKey; usernames: ReadonlySet<string>; machine: Machine },
): boolean {
  if (context.method !== 'publickey') return false;
  const { worldKey, usernames, machine } = allowed;
  const own = context.username === 'root' && machine.authorizedKey ? parsedKey(machine.authorizedKey) : null;
  const keys = [...(usernames.has(context.username) ? [worldKey] : []), ...(own ? [own] : [])];
  const key = keys.find(each => context.key.data.equals(each.getPublicSSH()));
  if (!key) return false;
  // Without a signature the client only asks whether this key would do.
  if (!context.signature || !context.blob) return true;
  return key.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function parsedKey(text: string): ParsedKey | null {
  const parsed = ssh2.utils.parseKey(text);
  return parsed instanceof Error ? null : parsed;
}

interface SessionParts {
  readonly machine: Machine;
  readonly username: string;
  readonly onScript: (run: ScriptRun) => Promise<ScriptOutcome>;
}

function serveSessions(connection: Connection, session: () => SessionParts): void {
  connection.on('session', acceptSession => {
    const channels = acceptSession();
    // Each of these is optional for a server; a client may insist on an answer.
    channels.on('env', accept => accept?.());
    channels.on('pty', accept => accept?.());
    channels.on('sftp', accept => serveSftp(accept(), session().machine.disk));
    channels.on('exec', (accept, _reject, { command }) => {
      const channel = accept();
      channel.on('error', () => {});
      void execute(command, session()).then(outcome => {
        if (outcome === 'cut') connection.end();
        else finish(channel, outcome);
      });
    });
  });
}

function finish(channel: ServerChannel, outcome: CommandOutcome): void {
  // A shell that does not find a command says so apart.
  if (outcome.output) (outcome.code === 127 ? channel.stderr : channel).write(outcome.output);
  channel.exit(outcome.code);
  channel.end();
}

/** Runs what it is asked to; a script's part is played by whoever scripts it. */
async function execute(text: string, session: SessionParts): Promise<CommandOutcome | 'cut'> {
  const { machine, username, onScript } = session;
  let isCut = false;
  const outcome = await runCommands(text, {
    disk: machine.disk,
    async run(name, words, environment) {
      if (machine.disk.read(`${scriptsDirectory}/${name}`) === null) {
        return { output: `bash: ./${name}: No such file or directory\n`, code: 127 };
      }
      const ending = await onScript({ address: machine.address, username, name, words, environment });
      isCut ||= ending.isCut === true;
      return { output: ending.output ?? '', code: isCut ? 255 : (ending.code ?? 0) };
    },
  });
  return isCut ? 'cut' : outcome;
}

/** Where a pool keeps its scripts on every machine. */
const scriptsDirectory = '/opt/nodepool-scripts';
