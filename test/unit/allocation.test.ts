import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import type { AllocationInput, AllocationLabel, Grant } from '../../src/domain/allocation.js';
import { allocate } from '../../src/domain/allocation.js';
import { allocateInTurns } from '../../src/domain/allocation-turns.js';

function label(name: string, deficit: number, providers: string, rest: Partial<AllocationLabel> = {}): AllocationLabel {
  return { name, deficit, groupSize: 1, providers: providers.split(' '), waitingSince: null, ...rest };
}

function input(
  rooms: Record<string, number>,
  labels: readonly AllocationLabel[],
  rest: Partial<AllocationInput> = {},
): AllocationInput {
  const providers = Object.entries(rooms).map(([name, available]) => ({ name, available }));
  return { providers, labels, targets: ['t'], current: () => 0, ...rest };
}

/** `LABEL@PROVIDER` or any other key of a grant, to its count; what was not granted is absent. */
function sums(grants: readonly Grant[], key: (grant: Grant) => string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const grant of grants) result[key(grant)] = (result[key(grant)] ?? 0) + grant.count;
  return result;
}

const byLabel = (grant: Grant) => grant.label;
const byProvider = (grant: Grant) => grant.provider;
const byTarget = (grant: Grant) => grant.target;

describe('the worked examples of the original', () => {
  test('one provider is shared in proportion to what is asked', () => {
    const grants = allocate(input({ p1: 10 }, [label('a', 100, 'p1'), label('b', 50, 'p1'), label('c', 10, 'p1')]));
    expect(sums(grants, byLabel)).toEqual({ a: 6, b: 3, c: 1 });
  });

  test('a label is spread in proportion to room', () => {
    expect(sums(allocate(input({ p1: 30, p2: 10 }, [label('a', 8, 'p1 p2')])), byProvider)).toEqual({ p1: 6, p2: 2 });
  });

  test('targets are evened out, counting what they have', () => {
    const current = (_: string, target: string) => (target === 't1' ? 10 : 0);
    const grants = allocate(input({ p1: 10 }, [label('a', 4, 'p1')], { targets: ['t1', 't2', 't3'], current }));
    expect(sums(grants, byTarget)).toEqual({ t2: 2, t3: 2 });
  });

  test('a group takes all its servers out of the room', () => {
    const grants = allocate(input({ p1: 6 }, [label('m', 2, 'p1', { groupSize: 3 }), label('s', 4, 'p1')]));
    expect(sums(grants, byLabel)).toEqual({ m: 2 });
  });

  test('half a node is a whole one, once', () => {
    expect(sums(allocate(input({ p1: 10, p2: 10, p3: 10 }, [label('a', 1, 'p1 p2 p3')])), byProvider)).toEqual({
      p2: 1,
    });
  });
});

describe('where the original was wrong', () => {
  test('a provider over its limit makes no other grant more', () => {
    const grants = allocate(input({ p1: -5, p2: 20 }, [label('a', 5, 'p1 p2'), label('b', 5, 'p1 p2')]));
    expect(sums(grants, byLabel)).toEqual({ a: 5, b: 5 });
    expect(sums(grants, byProvider)).toEqual({ p2: 10 });
  });

  test('three free servers hold one group of three, not three groups', () => {
    const grants = allocate(input({ p1: 3 }, [label('m', 3, 'p1', { groupSize: 3 })]));
    expect(sums(grants, byLabel)).toEqual({ m: 1 });
  });

  test('a group goes where it fits, however the free servers are spread', () => {
    const grants = allocate(input({ p1: 10, p2: 1 }, [label('m', 1, 'p1 p2', { groupSize: 2, waitingSince: 1 })]));
    expect(sums(grants, byProvider)).toEqual({ p1: 1 });
  });

  test('a small request next to a large one is served when it has waited', () => {
    const labels = (waitingSince: number | null) => [
      label('big', 100, 'p1'),
      label('small', 1, 'p1', { waitingSince }),
    ];
    expect(sums(allocate(input({ p1: 5 }, labels(null))), byLabel)).toEqual({ big: 5 });
    expect(sums(allocate(input({ p1: 5 }, labels(3))), byLabel)).toEqual({ small: 1, big: 4 });
  });

  test('the longest waiting comes first', () => {
    const labels = [label('a', 2, 'p1', { waitingSince: 7 }), label('b', 2, 'p1', { waitingSince: 3 })];
    expect(sums(allocate(input({ p1: 2 }, labels)), byLabel)).toEqual({ b: 2 });
  });
});

test('the most restricted label is served first', () => {
  const grants = allocate(input({ p1: 2, p2: 2 }, [label('any', 4, 'p1 p2'), label('only', 2, 'p1')]));
  expect(sums(grants, grant => `${grant.label}@${grant.provider}`)).toEqual({ 'only@p1': 2, 'any@p2': 2 });
});

test('grants come by provider, then as granted, then by target', () => {
  const grants = allocate(
    input({ p1: 4, p2: 4 }, [label('a', 4, 'p2 p1'), label('b', 4, 'p1 p2')], { targets: ['t2', 't1'] }),
  );
  expect(grants.map(grant => `${grant.provider} ${grant.label} ${grant.target} ${grant.count}`)).toEqual([
    'p1 a t2 1',
    'p1 a t1 1',
    'p1 b t2 1',
    'p1 b t1 1',
    'p2 a t2 1',
    'p2 a t1 1',
    'p2 b t2 1',
    'p2 b t1 1',
  ]);
});

test('nothing is granted without an online target, a provider, or a need', () => {
  expect(allocate(input({ p1: 5 }, [label('a', 5, 'p1')], { targets: [] }))).toEqual([]);
  expect(allocate(input({}, [label('a', 5, 'p1')]))).toEqual([]);
  expect(allocate(input({ p1: 5 }, [label('a', 0, 'p1'), label('b', -3, 'p1')]))).toEqual([]);
});

describe('providers that launch as many as they may', () => {
  const busy = new Set(['p1']);

  test('get what the others have no room for', () => {
    const asked = input({ p1: 30, p2: 10 }, [label('a', 8, 'p1 p2')]);
    expect(sums(allocateInTurns(asked, busy), byProvider)).toEqual({ p2: 8 });
    const more = input({ p1: 30, p2: 10 }, [label('a', 15, 'p1 p2')]);
    expect(sums(allocateInTurns(more, busy), byProvider)).toEqual({ p1: 5, p2: 10 });
  });

  test('get everything of a label that has no others', () => {
    const asked = input({ p1: 30, p2: 10 }, [label('a', 8, 'p1'), label('b', 4, 'p1 p2')]);
    expect(sums(allocateInTurns(asked, busy), grant => `${grant.label}@${grant.provider}`)).toEqual({
      'a@p1': 8,
      'b@p2': 4,
    });
  });

  test('are as good as any to whoever waits for room', () => {
    const asked = input({ p1: 4, p2: 2 }, [
      label('m', 1, 'p1 p2', { groupSize: 3, waitingSince: 1 }),
      label('s', 2, 'p2'),
    ]);
    expect(allocateInTurns(asked, busy)).toEqual(allocate(asked));
  });

  test('are evened out over the targets together with the others', () => {
    const grants = allocateInTurns(input({ p1: 30, p2: 2 }, [label('a', 4, 'p1 p2')], { targets: ['t1', 't2'] }), busy);
    expect(sums(grants, byTarget)).toEqual({ t1: 2, t2: 2 });
  });
});

describe('whatever is asked', () => {
  const providerNames = ['p1', 'p2', 'p3', 'p4'];
  const inputs = fc
    .record({
      rooms: fc.array(fc.integer({ min: -10, max: 60 }), { minLength: 1, maxLength: 4 }),
      labels: fc.array(
        fc.record({
          deficit: fc.integer({ min: -2, max: 80 }),
          groupSize: fc.integer({ min: 1, max: 4 }),
          providers: fc.subarray(providerNames),
          waitingSince: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
        }),
        { maxLength: 8 },
      ),
      targets: fc.subarray(['t1', 't2', 't3']),
      existing: fc.array(fc.nat(20), { minLength: 24, maxLength: 24 }),
    })
    .map(({ rooms, labels, targets, existing }): AllocationInput => ({
      providers: rooms.map((available, i) => ({ name: `p${i + 1}`, available })),
      labels: labels.map((rest, i) => ({ name: `l${i}`, ...rest })),
      targets,
      current: (name, target) => existing[Number(name.slice(1)) * 3 + Number(target.slice(1)) - 1] ?? 0,
    }));
  const runs = { numRuns: 2000 };

  test('no provider is asked for more servers than it has room for', () => {
    fc.assert(
      fc.property(inputs, asked => {
        const sizes = new Map(asked.labels.map(each => [each.name, each.groupSize]));
        const grants = allocate(asked);
        for (const { name, available } of asked.providers) {
          const servers = grants
            .filter(grant => grant.provider === name)
            .reduce((sum, grant) => sum + grant.count * (sizes.get(grant.label) ?? NaN), 0);
          expect(servers).toBeLessThanOrEqual(Math.max(0, available));
        }
      }),
      runs,
    );
  });

  test('no label gets more than its deficit, and only from its providers, for online targets', () => {
    fc.assert(
      fc.property(inputs, asked => {
        const grants = allocate(asked);
        const granted = sums(grants, byLabel);
        for (const each of asked.labels) {
          expect(granted[each.name] ?? 0).toBeLessThanOrEqual(Math.max(0, each.deficit));
          for (const grant of grants.filter(g => g.label === each.name)) {
            expect(each.providers).toContain(grant.provider);
            expect(asked.targets).toContain(grant.target);
            expect(grant.count).toBeGreaterThan(0);
          }
        }
      }),
      runs,
    );
  });

  test('in turns it is as much, within room and deficit, and at once wherever that is possible', () => {
    fc.assert(
      fc.property(inputs, fc.subarray(providerNames), (asked, names) => {
        const grants = allocateInTurns(asked, new Set(names));
        const sizes = new Map(asked.labels.map(each => [each.name, each.groupSize]));
        const serversIn = (of: readonly Grant[], provider: string): number =>
          of
            .filter(each => each.provider === provider)
            .reduce((sum, { label: of, count }) => sum + count * (sizes.get(of) ?? NaN), 0);
        for (const { name, available } of asked.providers) {
          expect(serversIn(grants, name)).toBeLessThanOrEqual(Math.max(0, available));
        }
        const all = sums(grants, byLabel);
        for (const { name, deficit } of asked.labels) expect(all[name] ?? 0).toBeLessThanOrEqual(Math.max(0, deficit));
        const keys = grants.map(({ label: of, provider, target }) => `${of} ${provider} ${target}`);
        expect(new Set(keys).size).toBe(keys.length);
        const [lone] = asked.labels;
        if (lone === undefined || asked.targets.length === 0) return;
        const alone = { ...asked, labels: [{ ...lone, waitingSince: null }] };
        const given = allocateInTurns(alone, new Set(names));
        expect(sums(given, byLabel)).toEqual(sums(allocate(alone), byLabel));
        const atOnce = asked.providers
          .filter(({ name }) => lone.providers.includes(name) && !names.includes(name))
          .reduce((sum, { available }) => sum + Math.floor(Math.max(0, available) / lone.groupSize), 0);
        const busyOnes = given.filter(({ provider }) => names.includes(provider));
        expect(busyOnes.reduce((sum, { count }) => sum + count, 0)).toBe(
          Math.max(0, (sums(given, byLabel)[lone.name] ?? 0) - atOnce),
        );
      }),
      runs,
    );
  });

  test('the same input gives the same grants', () => {
    fc.assert(
      fc.property(inputs, asked => {
        expect(allocate(asked)).toEqual(allocate(asked));
      }),
    );
  });

  test('the label that waits longest gets something where there is room for a group', () => {
    fc.assert(
      fc.property(inputs, fc.nat(7), (asked, chosen) => {
        const labels = asked.labels.map((each, i) => (i === chosen ? { ...each, waitingSince: 0 } : each));
        const longest = labels[chosen];
        if (longest === undefined || longest.deficit <= 0 || asked.targets.length === 0) return;
        const hasRoom = asked.providers.some(
          ({ name, available }) => longest.providers.includes(name) && available >= longest.groupSize,
        );
        expect(sums(allocate({ ...asked, labels }), byLabel)[longest.name] ?? 0).toBeGreaterThanOrEqual(
          hasRoom ? 1 : 0,
        );
      }),
      runs,
    );
  });

  test('a lone label gets all it asks, or all the room there is', () => {
    fc.assert(
      fc.property(inputs, asked => {
        const [first] = asked.labels;
        if (first === undefined || asked.targets.length === 0) return;
        const room = asked.providers
          .filter(({ name }) => first.providers.includes(name))
          .reduce((sum, { available }) => sum + Math.floor(Math.max(0, available) / first.groupSize), 0);
        const granted = sums(allocate({ ...asked, labels: [{ ...first, waitingSince: null }] }), byLabel);
        expect(granted[first.name] ?? 0).toBe(Math.min(Math.max(0, first.deficit), room));
      }),
      runs,
    );
  });

  test('a label that starves is served within as many rounds as there are labels', () => {
    fc.assert(
      fc.property(inputs, asked => {
        if (asked.targets.length === 0) return;
        const since = new Map<string, number>();
        const servable = asked.labels.filter(
          each =>
            each.deficit > 0 &&
            asked.providers.some(p => each.providers.includes(p.name) && p.available >= each.groupSize),
        );
        const served = new Set<string>();
        for (let round = 1; round <= asked.labels.length + 1; round += 1) {
          const labels = asked.labels.map(each => ({ ...each, waitingSince: since.get(each.name) ?? null }));
          const granted = sums(allocate({ ...asked, labels }), byLabel);
          for (const { name, deficit } of labels) {
            if ((granted[name] ?? 0) > 0) served.add(name);
            if ((granted[name] ?? 0) > 0 || deficit <= 0) since.delete(name);
            else if (!since.has(name)) since.set(name, round);
          }
        }
        for (const each of servable) expect(served).toContain(each.name);
      }),
      { numRuns: 500 },
    );
  });
});
