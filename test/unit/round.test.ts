import { readFileSync } from 'node:fs';
import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { nodeId } from '../../src/domain/ids.js';
import type { Round, RoundConfig, RoundInput } from '../../src/domain/round.js';
import { emptyRound, planRound, waitingAfter } from '../../src/domain/round.js';
import { Stock, type NodeFactSheet } from '../../src/domain/stock.js';
import { nodeStates } from '../../src/domain/states.js';

type Label = RoundConfig['labels'][number];

const aLabel = (name: string, minReady: number, providers: readonly string[], rest: Partial<Label> = {}): Label => ({
  name,
  image: 'image',
  minReady,
  subnodes: 0,
  providers,
  ...rest,
});
const aProvider = (name: string, maxServers: number) => ({ name, maxServers });
const aTarget = (name: string) => ({ name });

const small: RoundConfig = {
  labels: [aLabel('bare', 2, ['p', 'q'])],
  providers: [aProvider('p', 10), aProvider('q', 10)],
  targets: [aTarget('j1'), aTarget('j2')],
};

function anInput({ nodes = [], ...rest }: Partial<RoundInput> & { nodes?: readonly NodeFactSheet[] } = {}): RoundInput {
  const config = rest.config ?? small;
  return {
    config,
    stock: new Stock(nodes),
    usableImages: () => true,
    onlineTargets: new Set(config.targets.map(target => target.name)),
    demand: new Map(),
    sampledAt: 1000,
    eventsAlive: true,
    providerLimit: name => config.providers.find(provider => provider.name === name)?.maxServers ?? 0,
    providerClosed: () => null,
    waitingSince: new Map(),
    ...rest,
  };
}

let lastId = 0;
function aNode(rest: Partial<NodeFactSheet> = {}): NodeFactSheet {
  lastId += 1;
  return {
    id: nodeId(lastId),
    revision: 1,
    provider: 'p',
    label: 'bare',
    target: 'j1',
    state: 'ready',
    jobEnded: false,
    jobEndedAt: null,
    servers: 1,
    ...rest,
  };
}

const times = (count: number, rest: Partial<NodeFactSheet> = {}) => Array.from({ length: count }, () => aNode(rest));
const granted = (round: Round, label = 'bare') =>
  round.grants.filter(grant => grant.label === label).reduce((sum, grant) => sum + grant.count, 0);
const demand = (total: number, running = 0, label = 'bare') => new Map([[label, { total, running }]]);
const reasons = (round: Round) => round.refusals.map(refusal => refusal.reason);

describe('a round', () => {
  test('fills up the reserve, spread over providers and targets', () => {
    expect(planRound(anInput()).grants).toEqual([
      { label: 'bare', provider: 'p', target: 'j1', count: 1 },
      { label: 'bare', provider: 'q', target: 'j2', count: 1 },
    ]);
  });

  test('counts ready, building and test nodes of online targets as stock, and no others', () => {
    const stock = [aNode(), aNode({ state: 'building' }), aNode({ state: 'test' })];
    expect(granted(planRound(anInput({ nodes: stock })))).toBe(0);
    const rest = [aNode({ state: 'used' }), aNode({ state: 'hold' }), aNode({ state: 'delete' })];
    expect(granted(planRound(anInput({ nodes: rest })))).toBe(2);
    expect(granted(planRound(anInput({ nodes: stock, onlineTargets: new Set(['j2']) })))).toBe(2);
  });

  test('replaces a node that goes to work though Gearman has not yet said so', () => {
    const nodes = [...times(2, { state: 'used' }), ...times(2)];
    expect(planRound(anInput({ nodes, demand: demand(4, 0) })).waiting.get('bare')).toBe(2);
    expect(granted(planRound(anInput({ nodes, demand: demand(4, 0) })))).toBe(2);
  });

  test('does not launch for jobs that ended after the sample', () => {
    const nodes = [...times(3, { state: 'used', jobEnded: true, jobEndedAt: 1500 }), ...times(2)];
    expect(planRound(anInput({ nodes, demand: demand(3, 3) })).waiting.get('bare')).toBe(0);
    const before = [...times(3, { state: 'used', jobEnded: true, jobEndedAt: 500 }), ...times(2)];
    expect(planRound(anInput({ nodes: before, demand: demand(3, 0) })).waiting.get('bare')).toBe(3);
  });

  test('knows only the reserve while the demand is unknown', () => {
    expect(granted(planRound(anInput({ demand: null, sampledAt: null })))).toBe(2);
  });

  test('counts the servers of every node, also of labels that are gone, until its servers are gone', () => {
    const nodes = [
      ...times(7, { label: 'removed' }),
      ...times(2, { state: 'hold' }),
      ...times(5, { state: 'delete', servers: 0 }),
    ];
    const config = { ...small, labels: [aLabel('bare', 5, ['p'])] };
    expect(granted(planRound(anInput({ config, nodes })))).toBe(1);
  });

  test('gives up the reserve for jobs that wait when room is short', () => {
    const round = planRound(
      anInput({ nodes: times(17, { state: 'used' }), demand: demand(19, 17), config: cut(20, 0) }),
    );
    expect(round.deficits.get('bare')).toBe(2);
    expect(reasons(round)).toContain('reserve-gives-way');
  });

  test('launches groups with all their servers', () => {
    const config = { ...cut(5, 4), labels: [aLabel('bare', 9, ['p', 'q'], { subnodes: 2 })] };
    const round = planRound(anInput({ config }));
    expect(granted(round)).toBe(2);
    expect(round.refusals).toMatchObject([
      { reason: 'max-servers', provider: 'p', detail: 'p has room for 2 of 5 servers; a node takes 3' },
      { reason: 'max-servers', provider: 'q', detail: 'q has room for 1 of 4 servers; a node takes 3' },
    ]);
  });

  test('takes a limit that was lowered below what runs for no room', () => {
    const round = planRound(anInput({ nodes: times(9, { state: 'used' }), demand: demand(14, 9), config: cut(5, 20) }));
    expect(round.grants.every(grant => grant.provider === 'q')).toBe(true);
    expect(granted(round)).toBe(7);
  });
});

const cut = (p: number, q: number): RoundConfig => ({ ...small, providers: [aProvider('p', p), aProvider('q', q)] });

test('a round grants where a launch can begin at once, and beyond that to whoever has room', () => {
  const launchesAtOnce = (): number => 3;
  const nodes = [...times(3, { state: 'building' }), ...times(2, { provider: 'q', state: 'test' })];
  const at = (round: Round) => round.grants.map(({ provider, count }) => [provider, count]);
  expect(at(planRound(anInput({ nodes, demand: demand(5), launchesAtOnce })))).toEqual([['q', 2]]);
  const both = [...nodes, aNode({ provider: 'q', state: 'building' })];
  const anyhow = planRound(anInput({ nodes: both, demand: demand(8), launchesAtOnce }));
  expect(granted(anyhow)).toBe(4);
  expect(anyhow.refusals).toEqual([]);
});

describe('a round says why', () => {
  test('a label is disabled', () => {
    const config = { ...small, labels: [aLabel('bare', -1, ['p'])] };
    const round = planRound(anInput({ config, demand: demand(7) }));
    expect(round.grants).toEqual([]);
    expect(round.refusals).toEqual([
      { label: 'bare', reason: 'disabled', provider: null, until: null, detail: 'min-ready is -1; 7 jobs wait' },
    ]);
    expect(round.stillWaiting).toEqual([]);
  });

  test('no target is online', () => {
    const round = planRound(anInput({ onlineTargets: new Set(), demand: demand(1) }));
    expect(reasons(round)).toEqual(['no-online-target']);
    expect(round.stillWaiting).toEqual(['bare']);
  });

  test('a provider has no image, is closed, or is not configured; the others serve', () => {
    const closed = planRound(
      anInput({
        providerClosed: name => (name === 'p' ? { reason: 'HTTP 503', until: null } : null),
        usableImages: name => name !== 'q',
      }),
    );
    expect(reasons(closed)).toEqual(['provider-closed', 'no-image']);
    expect(closed.grants).toEqual([]);
    const unknown = planRound(anInput({ config: { ...small, labels: [aLabel('bare', 2, ['x'])] } }));
    expect(reasons(unknown)).toEqual(['not-configured']);
    const served = planRound(anInput({ usableImages: name => name !== 'q' }));
    expect(granted(served)).toBe(2);
    expect(served.refusals).toEqual([]);
  });

  test('the pool is full, and the label waits', () => {
    const round = planRound(anInput({ config: cut(0, 0), demand: demand(3) }));
    expect(reasons(round)).toEqual(['max-servers', 'max-servers']);
    expect(round.stillWaiting).toEqual(['bare']);
  });

  test('nothing, where nothing is wanted', () => {
    expect(planRound(anInput({ nodes: times(2) })).refusals).toEqual([]);
  });
});

describe('a label that waits longest', () => {
  const config: RoundConfig = {
    labels: [aLabel('bare', 0, ['p', 'q']), aLabel('pair', 0, ['p', 'q'], { subnodes: 1 })],
    providers: [aProvider('p', 4), aProvider('q', 4)],
    targets: small.targets,
  };
  const queues = new Map([...demand(90, 0), ...demand(1, 0, 'pair')]);
  const waitingSince = new Map([
    ['pair', 5],
    ['bare', 6],
  ]);
  const full = [...times(4), ...times(4, { provider: 'q' })].map(node => ({ ...node, state: 'used' as const }));

  test('has a provider save its room while servers come free one at a time', () => {
    const nodes = full.filter((_, i) => i !== 0 && i !== 4);
    const round = planRound(anInput({ config, nodes, demand: queues, waitingSince }));
    expect(round.grants).toEqual([{ label: 'bare', provider: 'q', target: 'j2', count: 1 }]);
    expect(round.stillWaiting).toEqual(['pair']);
    expect(round.refusals.find(refusal => refusal.label === 'bare')).toEqual({
      label: 'bare',
      reason: 'saved-for-group',
      until: null,
      provider: 'p',
      detail: 'p saves its room for pair, which waits longest and takes 2',
    });
    const later = planRound(anInput({ config, nodes: nodes.slice(1), demand: queues, waitingSince }));
    expect(granted(later, 'pair')).toBe(1);
  });

  test('makes nobody save room that held nodes keep from ever being enough', () => {
    const nodes = full.slice(1).map(node => (node.provider === 'p' ? { ...node, state: 'hold' as const } : node));
    const round = planRound(anInput({ config, nodes, demand: queues, waitingSince }));
    expect(round.grants).toEqual([{ label: 'bare', provider: 'p', target: 'j2', count: 1 }]);
  });

  test('is known by when it first came away with nothing', () => {
    const round = planRound(anInput({ config, nodes: full, demand: queues }));
    expect([...waitingAfter(round, new Map([['pair', 5]]), 9)]).toEqual([
      ['bare', 9],
      ['pair', 5],
    ]);
  });

  test('gets its group in a full pool where one server comes free at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7), { minLength: 40, maxLength: 40 }), order => {
        const nodes: NodeFactSheet[] = [...full];
        let since: ReadonlyMap<string, number> = new Map();
        let hasPair = false;
        for (const [now, chosen] of order.entries()) {
          nodes.splice(chosen % Math.max(1, nodes.length), 1);
          const round = planRound(anInput({ config, nodes, demand: queues, waitingSince: since, eventsAlive: false }));
          since = waitingAfter(round, since, now);
          for (const { label, provider, target, count } of round.grants) {
            if (label === 'pair') hasPair = true;
            const servers = label === 'pair' ? 2 : 1;
            nodes.push(...times(count, { label, provider, target, servers, state: 'used' }));
          }
        }
        expect(hasPair).toBe(true);
      }),
    );
  });
});

describe('the OpenStack project’s pool of June 2014', () => {
  const config = readProduction();

  test('is read whole', () => {
    expect([config.providers.length, config.labels.length, config.targets.length]).toEqual([12, 10, 7]);
    expect(config.providers.reduce((sum, provider) => sum + provider.maxServers, 0)).toBe(1138);
  });

  test('gets each label’s min-ready from empty, within every provider’s max-servers', () => {
    const round = emptyRound(config, new Map());
    for (const label of config.labels)
      expect([label.name, granted(round, label.name)]).toEqual([label.name, label.minReady]);
    expect(round.refusals).toEqual([]);
    expectWithinLimits(round, config);
  });

  test('grows to its limits under a load that it cannot carry, and no further', () => {
    const load = new Map(config.labels.map(label => [label.name, 1000]));
    const round = emptyRound(config, load);
    expectWithinLimits(round, config);
    const servers = serversByProvider(round, config);
    for (const { name, maxServers } of config.providers) {
      if (config.labels.some(label => label.providers.includes(name))) expect(servers.get(name) ?? 0).toBe(maxServers);
    }
  });

  test('spreads each label evenly over the seven masters', () => {
    const round = emptyRound(config, new Map());
    for (const label of config.labels) {
      const counts = config.targets.map(({ name }) =>
        round.grants.filter(g => g.label === label.name && g.target === name).reduce((sum, g) => sum + g.count, 0),
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });
});

describe('whatever is asked of it', () => {
  const inputs = fc
    .record({
      limits: fc.array(fc.integer({ min: -3, max: 40 }), { minLength: 1, maxLength: 3 }),
      labels: fc.array(
        fc.record({
          minReady: fc.integer({ min: -1, max: 12 }),
          subnodes: fc.nat(3),
          providers: fc.subarray(['p0', 'p1', 'p2', 'p3']),
          total: fc.nat(40),
          running: fc.nat(40),
        }),
        { maxLength: 5 },
      ),
      nodes: fc.array(
        fc.record({
          provider: fc.constantFrom('p0', 'p1', 'gone'),
          label: fc.constantFrom('l0', 'l1', 'gone'),
          target: fc.constantFrom('j0', 'j1', 'gone'),
          state: fc.constantFrom(...nodeStates),
          jobEnded: fc.boolean(),
          jobEndedAt: fc.option(fc.nat(2000), { nil: null }),
          servers: fc.nat(4),
        }),
        { maxLength: 40 },
      ),
      online: fc.subarray(['j0', 'j1']),
      isKnown: fc.boolean(),
      eventsAlive: fc.boolean(),
    })
    .map(({ limits, labels, nodes, online, isKnown, eventsAlive }) => {
      const config: RoundConfig = {
        providers: limits.map((limit, i) => aProvider(`p${i}`, limit)),
        labels: labels.map((each, i) => aLabel(`l${i}`, each.minReady, each.providers, { subnodes: each.subnodes })),
        targets: [aTarget('j0'), aTarget('j1')],
      };
      return anInput({
        config,
        nodes: nodes.map(node => aNode(node)),
        onlineTargets: new Set(online),
        demand: isKnown ? new Map(labels.map(({ total, running }, i) => [`l${i}`, { total, running }])) : null,
        eventsAlive,
      });
    });

  test('no provider exceeds its limit, and each shortfall has a reason', () => {
    fc.assert(
      fc.property(inputs, input => {
        const round = planRound(input);
        const taken = serversByProvider(round, input.config);
        for (const { name } of input.config.providers) taken.set(name, input.stock.inProvider(name).servers);
        const launchedIn = new Set(round.grants.map(grant => grant.provider));
        for (const name of launchedIn) expect(taken.get(name)).toBeLessThanOrEqual(input.providerLimit(name));
        for (const name of round.stillWaiting) {
          const label = input.config.labels.find(each => each.name === name);
          if (label?.providers.length) expect(round.refusals.map(refusal => refusal.label)).toContain(name);
        }
        for (const [name, deficit] of round.deficits) expect(granted(round, name)).toBeLessThanOrEqual(deficit);
      }),
      { numRuns: 1000 },
    );
  });
});

function serversByProvider(round: Round, config: RoundConfig): Map<string, number> {
  const servers = new Map<string, number>();
  for (const { label, provider, count } of round.grants) {
    const size = 1 + (config.labels.find(each => each.name === label)?.subnodes ?? NaN);
    servers.set(provider, (servers.get(provider) ?? 0) + count * size);
  }
  return servers;
}

function expectWithinLimits(round: Round, config: RoundConfig): void {
  const servers = serversByProvider(round, config);
  for (const { name, maxServers } of config.providers) {
    expect(servers.get(name) ?? 0).toBeLessThanOrEqual(Math.max(0, maxServers));
  }
}

/** Only what a round needs; `src/config` reads the rest. */
function readProduction(): RoundConfig {
  const text = readFileSync(new URL('../fixtures/openstack-2014-06.yaml', import.meta.url), 'utf8');
  const file = parse(text) as {
    labels: { name: string; image: string; 'min-ready': number; subnodes?: number; providers: { name: string }[] }[];
    providers: { name: string; 'max-servers': number }[];
    targets: { name: string }[];
  };
  return {
    labels: file.labels.map(each =>
      aLabel(
        each.name,
        each['min-ready'],
        each.providers.map(provider => provider.name),
        { image: each.image, subnodes: each.subnodes ?? 0 },
      ),
    ),
    providers: file.providers.map(each => aProvider(each.name, each['max-servers'])),
    targets: file.targets.map(each => aTarget(each.name)),
  };
}
