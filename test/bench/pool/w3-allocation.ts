/** W3: what one allocation round costs, by labels × providers × targets and by nodes. Pure: no database, no actors. */
import { nodeId } from '../../../src/domain/ids.js';
import { planRound, type RoundConfig } from '../../../src/domain/round.js';
import { Stock } from '../../../src/domain/stock.js';
import { report } from './figures.js';

const states = ['ready', 'used', 'building', 'delete', 'ready'] as const;
const roundsMeasured = 21;

for (const [labels, providers, targets] of [
  [10, 5, 2],
  [50, 20, 5],
  [200, 50, 10],
] as const) {
  for (const nodes of [1_000, 10_000, 100_000]) measure(labels, providers, targets, nodes);
}

function measure(labels: number, providers: number, targets: number, nodes: number): void {
  const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_none, i) => `${kind}${i}`);
  const config: RoundConfig = {
    providers: names('p', providers).map(name => ({ name, maxServers: Math.ceil((nodes * 1.2) / providers) })),
    targets: names('t', targets).map(name => ({ name })),
    labels: names('l', labels).map(name => ({
      name,
      image: 'image',
      minReady: 10,
      subnodes: 0,
      providers: names('p', providers),
    })),
  };
  const stock = new Stock(
    Array.from({ length: nodes }, (_none, i) => ({
      id: nodeId(i + 1),
      revision: 1,
      provider: `p${i % providers}`,
      label: `l${i % labels}`,
      target: `t${i % targets}`,
      state: states[i % states.length] ?? 'ready',
      jobEnded: false,
      jobEndedAt: null,
      servers: 1,
    })),
  );
  const demand = new Map(config.labels.map(({ name }) => [name, { total: 2 * Math.ceil(nodes / labels), running: 0 }]));
  const limits = new Map(config.providers.map(({ name, maxServers }) => [name, maxServers]));
  let granted = 0;
  const samples = Array.from({ length: roundsMeasured }, () => {
    const began = process.cpuUsage();
    const round = planRound({
      config,
      stock,
      usableImages: () => true,
      onlineTargets: new Set(config.targets.map(({ name }) => name)),
      demand,
      sampledAt: 0,
      eventsAlive: true,
      providerLimit: name => limits.get(name) ?? 0,
      providerClosed: () => null,
      waitingSince: new Map(),
    });
    granted = round.grants.reduce((sum, { count }) => sum + count, 0);
    const used = process.cpuUsage(began);
    return (used.user + used.system) / 1000;
  });
  samples.sort((a, b) => a - b);
  const size = { nodes, shape: `${labels},${providers},${targets}` };
  report('W3', size, {
    'CPU ms/round': samples[roundsMeasured >> 1] ?? null,
    'worst round ms': samples.at(-1) ?? null,
    granted,
  });
}
