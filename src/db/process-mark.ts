/** Names a process so that a later one with the same pid is not taken for it. Synchronous: also told at a process's exit. */
import { readFileSync } from 'node:fs';

/** The pid, and where the system tells it, when the process began. */
export function processMark(pid: number): string {
  const stat = readOrEmpty(`/proc/${String(pid)}/stat`);
  // The command's name, in brackets, may contain blanks; the start is field 22 of the line.
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${String(pid)} ${start}`;
}

export function isAlive(mark: string): boolean {
  const pid = Number(mark.split(' ')[0]);
  return isProcess(pid) && processMark(pid) === mark;
}

export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // No such process, or no such file system.
    return '';
  }
}
