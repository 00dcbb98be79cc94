/** How many file descriptors a process may have: where it has more than that already, it can open nothing any more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Descriptors {
  exhaust(): Promise<void>;
  /** As many as before. */
  free(): Promise<void>;
  close(): void;
}

/** Reads limits, of which the hard one stays as it is, so that whoever lowers the soft one may raise it again. */
const script = `
prlimit --pid "$1" --nofile --output SOFT --noheadings
while read limit; do prlimit --pid "$1" --nofile="$limit:" && echo done; done`;

/** Of any process, this one too: the shell is there before the descriptors are gone. */
export async function descriptorsOf(pid: number): Promise<Descriptors> {
  const shell = spawn('sh', ['-c', script, 'sh', String(pid)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answer = async (): Promise<string> => String(((await once(shell.stdout, 'data')) as [Buffer])[0]).trim();
  const allowed = await answer();
  const set = async (limit: string): Promise<void> => {
    const answered = answer();
    shell.stdin.write(`${limit}\n`);
    await answered;
  };
  return {
    exhaust: () => set('8'),
    free: () => set(allowed),
    close: () => shell.stdin.end(),
  };
}
