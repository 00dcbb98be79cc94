/** A server that is frozen: its sockets are there, the kernel takes connections for it, and nobody answers. */
import { readdirSync, readFileSync } from 'node:fs';

/** Stops the process and those that it started, as they are now; returns what has them go on. */
export function freeze(pid: number): () => void {
  const stopped: number[] = [];
  // The parent first, which then starts no others.
  for (const each of [pid, ...childrenOf(pid)]) if (signalled(each, 'SIGSTOP')) stopped.push(each);
  return () => {
    for (const each of stopped.splice(0)) signalled(each, 'SIGCONT');
  };
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // One that has just ended.
    return false;
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => parentOf(pid) === parent);
}

/** The second field after the command, which may hold spaces. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It has just ended.
    return null;
  }
}
