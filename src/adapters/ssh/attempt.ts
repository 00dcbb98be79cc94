import type { ClientChannel, ParsedKey } from 'ssh2';

import { Fault, type FaultKind } from '../../domain/fault.js';
import type { ShellCheck, ShellFile, ShellLogin } from '../../ports/shell.js';
import { addressOf, connectTo, type Connection } from './connection.js';
import { copy } from './copy.js';

const COMMAND = 'echo access okay';
const EXPECTED = 'access okay';
/** Enough for any greeting of a login shell; a machine that talks without end is cut off. */
const OUTPUT_CHARS_MAX = 65_536;

/** One connection, one command, and then the files. A fault is a value here: the caller decides whether to try again. */
export async function attemptLogin(
  login: ShellLogin,
  privateKey: ParsedKey,
  terms: { readonly timeoutMs: number; readonly stop: AbortSignal; readonly files: readonly ShellFile[] },
): Promise<Omit<ShellCheck, 'attempts'> | Fault> {
  const { timeoutMs, stop, files } = terms;
  const connection = await connectTo(login, privateKey, { loginMs: timeoutMs, workMs: null, stop });
  if (connection instanceof Fault) return connection;
  const { hostKey, lost } = connection;
  const refusal = await Promise.race([ask(connection, login), lost]);
  const notWritten = refusal ?? (await Promise.race([write(connection, login, files), lost]));
  connection.end();
  return notWritten instanceof Fault ? notWritten : { hostKey, notWritten };
}

/** A machine that lets us in and takes no files is well all the same. */
async function write(connection: Connection, login: ShellLogin, files: readonly ShellFile[]): Promise<string | null> {
  try {
    await copy(connection, login, { files, directory: null });
    return null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.message;
  }
}

/** Null: let in. A login that does not answer is a refused login: "please log in as ubuntu", and no shell (reference 8, step 8). */
function ask({ client }: Connection, login: ShellLogin): Promise<Fault | null> {
  return new Promise(resolve => {
    const fail = (kind: FaultKind, words: string): void => {
      resolve(new Fault(kind, `${addressOf(login)}: ${words}`));
    };
    client.exec(COMMAND, (error, channel) => {
      if (error) {
        fail('ssh.protocol', `cannot run a command: ${error.message}`);
        return;
      }
      readOutput(channel, (code, output) => {
        // Without a code the connection broke before the command ended.
        if (code === undefined) fail('ssh.unreachable', 'the connection was closed while the command ran');
        else if (output.includes(EXPECTED)) resolve(null);
        else fail('ssh.auth', `the command ended with ${code ?? 'a signal'} and answered ${firstLine(output)}`);
      });
    });
  });
}

function readOutput(channel: ClientChannel, ended: (code: number | null | undefined, output: string) => void): void {
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(0, OUTPUT_CHARS_MAX);
  };
  channel.on('data', collect);
  channel.stderr.on('data', collect);
  channel.on('close', (code: number | null | undefined) => ended(code, output));
}

function firstLine(output: string): string {
  const line = output.trim().split('\n')[0] ?? '';
  return line === '' ? 'nothing' : JSON.stringify(line.slice(0, 200));
}
