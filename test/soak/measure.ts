/** How the daemon is, second by second: memory, connections, event loop. */
import { readFileSync } from 'node:fs';
import type { ControlClient } from '../../src/http/client.js';
import type { DatabaseObserver } from '../support/database-observer.js';

export interface Sample {
  readonly life: number;
  /** Since the life began. */
  readonly ageMs: number;
  readonly residentMb: number;
  /** Null: nobody answered, or the database was away. */
  readonly heapMb: number | null;
  readonly lagMs: number | null;
  readonly lagMaxMs: number | null;
  readonly descriptors: number | null;
  readonly connections: number | null;
}

export interface Measured {
  readonly life: number;
  readonly ageMs: number;
  readonly pid: number;
  readonly client: ControlClient;
  readonly observer: DatabaseObserver;
}

export async function sample({ life, ageMs, pid, client, observer }: Measured): Promise<Sample> {
  const [text, connections] = await Promise.all([
    client.metrics().catch(() => ''),
    observer.connections().catch(() => null),
  ]);
  const metric = (name: string, factor: number): number | null => {
    const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    return found === undefined ? null : Number(found) * factor;
  };
  return {
    life,
    ageMs,
    residentMb: residentMb(pid),
    heapMb: metric('nodejs_heap_size_used_bytes', 1 / mb),
    lagMs: metric('nodejs_eventloop_lag_p99_seconds', 1000),
    lagMaxMs: metric('nodejs_eventloop_lag_max_seconds', 1000),
    descriptors: metric('process_open_fds', 1),
    connections,
  };
}

const mb = 1024 * 1024;

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb ?? 0) / 1024;
}
