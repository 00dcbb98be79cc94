/** CPU of another process, its main thread told apart. */
import { readFileSync } from 'node:fs';

export interface ProcessCpu {
  readonly mainMs: number;
  /** Worker threads, those that have ended among them, and the helpers of V8 and libuv. */
  readonly otherMs: number;
}

/** Linux counts in hundredths of a second. */
const tickMs = 10;

export function cpuOf(pid: number): ProcessCpu {
  const mainMs = msIn(`/proc/${pid}/task/${pid}/stat`);
  return { mainMs, otherMs: msIn(`/proc/${pid}/stat`) - mainMs };
}

function msIn(file: string): number {
  const stat = readFileSync(file, 'utf8');
  // The command before it may hold spaces.
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) * tickMs;
}
