/** Reads what `node --cpu-prof` wrote and says where the time went. */
import { readFileSync } from 'node:fs';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  readonly percent: number;
}

/** Functions by their own time, the greatest first. */
export function sharesOf(file: string): Share[] {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const byId = new Map(profile.nodes.map(node => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  let total = 0;
  profile.samples.forEach((id, i) => {
    const name = byId.get(id) ?? 'unknown';
    if (name === '(idle)') return;
    const delta = profile.timeDeltas[i] ?? 0;
    total += delta;
    times.set(name, (times.get(name) ?? 0) + delta);
  });
  return Array.from(times, ([name, time]) => ({ name, percent: (100 * time) / total })).sort(
    (a, b) => b.percent - a.percent,
  );
}

function nameOf({ callFrame }: ProfileNode): string {
  const name = callFrame.functionName || 'anonymous';
  if (callFrame.url === '') return name;
  return `${name} ${callFrame.url.split('/').slice(-2).join('/')}:${callFrame.lineNumber + 1}`;
}
