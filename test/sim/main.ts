/**
 *     npm run sim -- --seed 42 --steps 1000 [--trace]    one seed, with what happened in it
 *     npm run sim -- --swarm 10m [--steps 300]           new seeds for so long; those that violate an invariant are named
 */
import { parseArgs } from 'node:util';
import { simulate, Violation, type Outcome } from './simulation.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '200' },
    trace: { type: 'boolean', default: false },
    swarm: { type: 'string' },
  },
});

const steps = whole('steps', values.steps);
if (values.swarm === undefined) {
  process.exitCode = (await runs(whole('seed', values.seed ?? '1'), values.trace)) ? 0 : 1;
} else {
  const endMs = Date.now() + durationMs(values.swarm);
  const first = values.seed === undefined ? Date.now() % 1_000_000_000 : whole('seed', values.seed);
  let seed = first;
  const found: number[] = [];
  for (; Date.now() < endMs; seed++) if (!(await runs(seed, false))) found.push(seed);
  console.log(`${seed - first} seeds from ${first}; violations: ${found.join(', ') || 'none'}`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

async function runs(seed: number, isTraced: boolean): Promise<boolean> {
  const beganMs = performance.now();
  try {
    const outcome = await simulate({ seed, steps, isTraced });
    if (isTraced) console.log(outcome.trace.join('\n'));
    console.log(describe(outcome, performance.now() - beganMs));
    return true;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    console.log(`${isTraced ? error.trace.join('\n') : ''}\nVIOLATION: ${error.stack ?? error.message}`);
    return false;
  }
}

function describe(
  { seed, sum, points, crashes, jobs, servers, simulatedMs, climate }: Outcome,
  tookMs: number,
): string {
  const counts = `${points} points, ${crashes} crashes, ${jobs} jobs, ${servers} creates`;
  const times = `${(simulatedMs / 60_000).toFixed(0)} minutes in ${tookMs.toFixed(0)} ms`;
  return `seed ${seed}: well; ${counts}, ${times}, sum ${sum}; ${climate}`;
}

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number below 1,000,000,000, not ${text}`);
  return Number(text);
}

/** 90s, 10m, 2h. */
function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(text) ?? [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? ''];
  if (count === undefined || unitMs === undefined) throw new Error(`--swarm takes 90s, 10m or 2h, not ${text}`);
  return Number(count) * unitMs;
}
