import { createWriteStream, type WriteStream } from 'node:fs';
import type { ClientChannel } from 'ssh2';

import { Fault } from '../../domain/fault.js';
import type { ShellJob, ShellLogin, ShellResult } from '../../ports/shell.js';
import { addressOf, type Connection } from './connection.js';
import { copy } from './copy.js';
import { Tail } from './tail.js';

/** So much of what a command says at last goes into its result. */
const TAIL_BYTES = 64 * 1024;
/** A script that floods its output fills no disk. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** Copies and runs what the job says, over a connection that ends with it. */
export async function doJob(connection: Connection, login: ShellLogin, job: ShellJob): Promise<ShellResult> {
  const output = new Tail(TAIL_BYTES);
  const lost = connection.lost.then(fault => {
    throw withLastLine(fault, output);
  });
  // Heard only while something is done.
  lost.catch(() => undefined);
  try {
    await Promise.race([copy(connection, login, job), lost]);
    const end = job.command === null ? finished : await Promise.race([run(connection, login, job, output), lost]);
    const { hostKey } = connection;
    return { hostKey, ...end, output: output.text(), droppedBytes: output.droppedBytes };
  } finally {
    connection.end();
  }
}

interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

const finished: Ending = { exitCode: 0, signal: null };

function withLastLine(fault: Fault, output: Tail): Fault {
  const line = output.text().trim().split('\n').at(-1) ?? '';
  if (line === '') return fault;
  return new Fault(fault.kind, `${fault.message}; the last that was said: ${line.slice(-500)}`, { cause: fault });
}

// ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────

/** With a terminal: some systems want one for sudo (lesson 129), and what runs there is ended with the connection. */
function run({ client }: Connection, login: ShellLogin, job: ShellJob, output: Tail): Promise<Ending> {
  return new Promise((resolve, reject) => {
    client.exec(job.command ?? '', { pty: { term: 'dumb' } }, (error, channel) => {
      if (error) {
        reject(new Fault('ssh.protocol', `${addressOf(login)}: cannot run a command: ${error.message}`));
        return;
      }
      const log = job.logFile === null ? null : new OutputLog(job.logFile);
      collect(channel, chunk => {
        output.add(chunk);
        log?.add(chunk);
      });
      channel.on('close', (code: number | null | undefined, signal: string | undefined) => {
        log?.end();
        // Without a code and a signal the connection broke, and its own fault says more.
        if (code !== undefined) resolve({ exitCode: code, signal: signal ?? null });
      });
    });
  });
}

function collect(channel: ClientChannel, take: (chunk: Buffer) => void): void {
  channel.on('data', take);
  channel.stderr.on('data', take);
}

/** A log that cannot be written breaks nothing of what it is about. */
class OutputLog {
  readonly #stream: WriteStream;
  #bytes = 0;

  constructor(file: string) {
    this.#stream = createWriteStream(file, { flags: 'a', mode: 0o640 });
    this.#stream.on('error', () => undefined);
  }

  add(chunk: Buffer): void {
    const room = LOG_BYTES_MAX - this.#bytes;
    if (room <= 0) return;
    this.#bytes += chunk.length;
    this.#stream.write(chunk.subarray(0, room));
    if (this.#bytes >= LOG_BYTES_MAX)
      this.#stream.write(`\n… more than ${LOG_BYTES_MAX} bytes: the rest is not kept\n`);
  }

  end(): void {
    this.#stream.end();
  }
}
