/** The daemon's pid file: one daemon per file, and the file of a daemon that is gone does not block the next. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';

export interface PidFile {
  /** Removes the file if it is still ours. */
  release(): void;
}

export function takePidFile(path: string, pid: number, isRunning: (pid: number) => boolean): PidFile {
  mkdirSync(dirname(path), { recursive: true });
  if (!tryWrite(path, pid)) {
    const other = readPid(path);
    if (other !== null && other !== pid && isRunning(other)) {
      throw new CliFailure(exitCodes.failed, `nodepoold runs already with pid ${other}, says ${path}`);
    }
    rmSync(path, { force: true });
    if (!tryWrite(path, pid)) throw new CliFailure(exitCodes.failed, `another daemon has just written ${path}`);
  }
  return {
    release: () => {
      if (readPid(path) === pid) rmSync(path, { force: true });
    },
  };
}

/** Whether that process lives and is a daemon of ours: pids come round again. */
export function isDaemonRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('nodepoold');
  } catch {
    // Without /proc nothing more can be known.
    return true;
  }
}

function tryWrite(path: string, pid: number): boolean {
  try {
    writeFileSync(path, `${pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // A full disk leaves an empty file.
    if (code === 'ENOSPC' || code === 'EDQUOT') rmSync(path, { force: true });
    throw new CliFailure(exitCodes.failed, `the pid file ${path} cannot be written: ${message}`, {
      next: 'free space there, or name another one with -p FILE',
      cause: error,
    });
  }
}

function readPid(path: string): number | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
