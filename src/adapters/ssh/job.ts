import { createWriteStream, type WriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientChannel, SFTPWrapper } from 'ssh2';

import { Fault } from '../../domain/fault.js';
import type { ShellJob, ShellLogin, ShellResult } from '../../ports/shell.js';
import { addressOf, type Connection } from './connection.js';
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

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function copy(connection: Connection, login: ShellLogin, { files, directory }: ShellJob): Promise<void> {
  if (files.length === 0 && directory === null) return;
  const locals = directory === null ? [] : await regularFiles(directory.local);
  try {
    const sftp = await open(connection);
    if (directory !== null) {
      // One that is there already is as good.
      await done(next => sftp.mkdir(directory.remote, next)).catch(() => undefined);
      for (const { name, mode } of locals) {
        const [from, to] = [join(directory.local, name), `${directory.remote}/${name}`];
        await done(next => sftp.fastPut(from, to, { mode }, next));
      }
    }
    for (const { path, content, mode } of files) {
      const data = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
      await done(next => sftp.writeFile(path, data, { mode }, next));
      // The mode of a file that was there already would have stayed.
      await done(next => sftp.chmod(path, mode, next));
    }
    sftp.end();
  } catch (error) {
    if (error instanceof Fault) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new Fault('ssh.command', `${addressOf(login)}: cannot copy a file: ${words}`, { cause: error });
  }
}

function open({ client }: Connection): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (error) reject(error);
      else resolve(sftp);
    });
  });
}

function done(call: (next: (error?: Error | null) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call(error => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** No directories, whose copying would fail, and none below them (lesson 115). */
async function regularFiles(directory: string): Promise<{ readonly name: string; readonly mode: number }[]> {
  try {
    const found: { name: string; mode: number }[] = [];
    for (const name of (await readdir(directory)).sort()) {
      const stats = await stat(join(directory, name));
      if (stats.isFile()) found.push({ name, mode: stats.mode & 0o777 });
    }
    return found;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Fault('build.file', `cannot read the scripts in ${directory}: ${words}`, { cause: error });
  }
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
