import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SFTPWrapper } from 'ssh2';

import { Fault } from '../../domain/fault.js';
import { fileNotTaken, troubleWords } from '../../domain/trouble.js';
import type { ShellFile, ShellJob, ShellLogin } from '../../ports/shell.js';
import { addressOf, type Connection } from './connection.js';

/** The files of a directory one after the other, then the single ones side by side: each is a handful of round trips. */
export async function copy(
  connection: Connection,
  login: ShellLogin,
  { files, directory }: Pick<ShellJob, 'files' | 'directory'>,
): Promise<void> {
  if (files.length === 0 && directory === null) return;
  const locals = directory === null ? [] : await regularFiles(directory.local);
  const sftp = await open(connection).catch(error => notTaken(login, directory?.remote ?? files[0]?.path ?? '', error));
  if (directory !== null) {
    // One that is there already is as good.
    await done(next => sftp.mkdir(directory.remote, next)).catch(() => undefined);
    for (const { name, mode } of locals) {
      const [from, to] = [join(directory.local, name), `${directory.remote}/${name}`];
      await done(next => sftp.fastPut(from, to, { mode }, next)).catch(error =>
        isOurs(error) ? unreadable(from, error) : notTaken(login, to, error),
      );
    }
  }
  await Promise.all(files.map(file => write(sftp, file).catch(error => notTaken(login, file.path, error))));
  sftp.end();
}

async function write(sftp: SFTPWrapper, { path, content, mode }: ShellFile): Promise<void> {
  const data = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  await done(next => sftp.writeFile(path, data, { mode }, next));
  // The mode of a file that was there already would have stayed.
  await done(next => sftp.chmod(path, mode, next));
}

function open({ client }: Connection): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (error) reject(error);
      else resolve(sftp);
    });
  });
}

/** The operating system's codes are words, those of SFTP numbers. */
function isOurs(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).code === 'string';
}

function unreadable(what: string, cause: unknown): never {
  throw new Fault('build.file', `cannot read ${what}: ${troubleWords(cause)}`, { cause });
}

function notTaken(login: ShellLogin, path: string, cause: unknown): never {
  throw new Fault('ssh.command', `${addressOf(login)}: ${fileNotTaken} ${path}: ${troubleWords(cause)}`, { cause });
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
    return unreadable(`the scripts in ${directory}`, error);
  }
}
