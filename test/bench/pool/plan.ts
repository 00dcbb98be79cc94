/** What `npm run bench` runs, and what is asked of it. */
export interface Sample {
  readonly workload: string;
  readonly script: string;
  readonly args: readonly string[];
}

export interface Goal {
  readonly workload: string;
  readonly figure: string;
  readonly must: string;
  /** What the original took on the same class of machine, carried to Python 3.11. */
  readonly original: string;
}

const engines = ['postgresql', 'mariadb'] as const;

export function samplesOf(isLarge: boolean): Sample[] {
  const onBoth = (workload: string, script: string, args: readonly string[]): Sample[] =>
    engines.map(engine => ({ workload, script, args: [...args, '--engine', engine] }));
  const fills = [[50, 1], [200, 1], [1_000, 5], ...(isLarge ? ([[5_000, 20]] as const) : [])] as const;
  const wireFills = [[50, 1], [200, 5], ...(isLarge ? ([[1_000, 5]] as const) : [])] as const;
  const events = [500, 2_000, ...(isLarge ? [10_000] : [])];
  const idle = [1_000, ...(isLarge ? [10_000] : [])];
  const restarts = [1_000, ...(isLarge ? [10_000] : [])];
  return [
    ...fills.flatMap(([nodes, providers]) =>
      onBoth('W1', 'w1-fill.ts', ['--nodes', String(nodes), '--providers', String(providers)]),
    ),
    ...wireFills.flatMap(([nodes, providers]) =>
      onBoth('W1 wire', '../wire/w1-fill.ts', ['--nodes', String(nodes), '--providers', String(providers)]),
    ),
    ...onBoth('W1 one', '../wire/w1-one.ts', []),
    ...events.flatMap(nodes => onBoth('W2', 'w2-events.ts', ['--nodes', String(nodes)])),
    ...onBoth('W2 wire', '../wire/w2-events.ts', ['--nodes', isLarge ? '2000' : '500']),
    { workload: 'W3', script: 'w3-allocation.ts', args: [] },
    ...idle.map(nodes => ({ workload: 'W4', script: 'w4-idle.ts', args: ['--nodes', String(nodes), ...shape] })),
    { workload: 'W4 wire', script: '../wire/w4-idle.ts', args: ['--nodes', isLarge ? '500' : '200'] },
    { workload: 'W5', script: '../wire/w5-churn.ts', args: ['--minutes', isLarge ? '15' : '3'] },
    ...restarts.flatMap(nodes => onBoth('W6', 'w6-restart.ts', ['--nodes', String(nodes)])),
    ...onBoth('W7', 'w7-away.ts', []),
    ...onBoth('W7 deletes', 'w7-deletes.ts', isLarge ? ['--nodes', '1000'] : []),
    ...[2, 3, 5, 9].map(at => ({
      workload: 'W6 kills',
      script: '../wire/w6-kills.ts',
      args: ['--at', String(at), '--seeds', isLarge ? '10' : '1'],
    })),
    { workload: 'W6 wire', script: '../wire/w6-restart.ts', args: isLarge ? ['--nodes', '1000'] : [] },
    { workload: 'W8', script: '../wire/w8-isolation.ts', args: isLarge ? ['--pairs', '5', '--nodes', '200'] : [] },
  ];
}

const shape = ['--labels', '50', '--providers', '20', '--targets', '5'];

export const goals: readonly Goal[] = [
  { workload: 'W1', figure: 'seconds', must: '≤ 6 for 1,000', original: '50 for 1,000' },
  { workload: 'W1', figure: 'daemon CPU ms/node', must: '≤ 3', original: '21 to 30, growing' },
  { workload: 'W1', figure: '… of a warm daemon', must: '≤ 3, the same within 20 %', original: '' },
  { workload: 'W1', figure: 'database CPU ms/node', must: '≤ 3', original: '8' },
  { workload: 'W1', figure: 'statements/node', must: '≤ 12', original: '13' },
  { workload: 'W1 wire', figure: 'daemon CPU ms/node', must: '≤ 15', original: '' },
  { workload: 'W1 wire', figure: '… of a warm daemon', must: '≤ 15', original: '' },
  { workload: 'W1 one', figure: 'ms from grant to ready, above the cloud’s', must: '≤ 300', original: '5 s at best' },
  { workload: 'W2', figure: 'a: p99 ms', must: '< 20', original: '' },
  { workload: 'W2', figure: 'c: lost', must: '0', original: '809 of 5,000' },
  { workload: 'W2', figure: 'c: events/s', must: '≥ 3,000', original: '65 at 500, 3.5 at 10,000' },
  { workload: 'W2', figure: 'd: connections through the delay', must: '0', original: '512' },
  { workload: 'W2 wire', figure: 'a: p99 ms', must: '< 20', original: '' },
  { workload: 'W2 wire', figure: 'c: lost', must: '0', original: '809 of 5,000' },
  { workload: 'W2 wire', figure: 'c: events/s', must: '≥ 3,000', original: '65 at 500, 3.5 at 10,000' },
  { workload: 'W3', figure: 'CPU ms/round', must: '≤ 15 at 200,50,10', original: '1,800 pure, 10 to 17 s whole' },
  { workload: 'W4', figure: 'percent of a core', must: '< 1', original: '' },
  { workload: 'W4', figure: 'statements a minute', must: '≤ 2 a cleanup', original: '2·N + 106 every 10 s' },
  { workload: 'W4', figure: 'RSS KB/node', must: '< 20', original: '' },
  { workload: 'W4 wire', figure: 'percent of a core, main thread', must: '< 1', original: '' },
  { workload: 'W4 wire', figure: 'statements a minute', must: '≤ 2 a cleanup', original: '2·N + 106 every 10 s' },
  { workload: 'W5', figure: 'job wait p99 in boot times of the cloud', must: '< 2', original: '' },
  { workload: 'W5', figure: 'most in a mailbox', must: '≤ 100', original: '' },
  { workload: 'W5', figure: 'event loop p99 ms', must: '< 20', original: '' },
  { workload: 'W6', figure: 'seconds until it serves', must: '≤ 2, ≤ 6 at 10,000', original: '54 to 122 to recover' },
  { workload: 'W6', figure: 'nodes lost', must: '0', original: 'every building node' },
  { workload: 'W6 wire', figure: 'seconds until it serves', must: '≤ 2 at 1,000', original: '54 to 122 to recover' },
  { workload: 'W6 wire', figure: 'lists of servers a provider', must: '1', original: '' },
  { workload: 'W6 wire', figure: 'questions for one server', must: '0', original: '' },
  { workload: 'W6 kills', figure: 'servers leaked', must: '0', original: '22 in 6 kills' },
  { workload: 'W6 kills', figure: 'launches thrown away', must: '0', original: 'all of them' },
  { workload: 'W6 kills', figure: 'seconds until it serves', must: '≤ 2', original: '54 to 122 to recover' },
  { workload: 'W7', figure: 'seconds from its return until all are ready', must: '≤ 15', original: 'stuck for hours' },
  { workload: 'W7', figure: 'servers without a row', must: '0', original: '7 to 44' },
  { workload: 'W7 deletes', figure: 'percent of unbounded', must: '≥ 90 at 200', original: '' },
  { workload: 'W7 deletes', figure: 'connections above the bound', must: '0', original: '' },
  { workload: 'W8', figure: 'percent longer', must: '< 5', original: '' },
];
