import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Figures } from './workloads.js';

export type Outcome = { readonly figures: Figures } | { readonly failed: string };

const longestSampleMs = 300_000;

/** Runs one sample in a process of its own, and waits for it: two at once would disturb each other. */
export function runSample(
  folder: string,
  system: string,
  workload: string,
  share: number,
  nodeFlags: readonly string[] = [],
): Outcome {
  const script = join(folder, 'dist/test/bench/runtime/sample.js');
  const args = ['--expose-gc', ...nodeFlags, script, system, workload, String(share)];
  const { stdout, stderr, error } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: longestSampleMs });
  if (error) return { failed: error.message };
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) return { failed: stderr.trim().split('\n').at(-1) ?? 'ended without a result' };
  return JSON.parse(last) as Outcome;
}
