import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { endingOfFailure, judge, wantsCanary, type Trial } from '../../src/domain/canary.js';
import { faultKinds, type FaultKind } from '../../src/domain/fault.js';
import { launchStepsInOrder } from '../../src/domain/node-row.js';

const trial = (failures: number, launches: number, rest: Partial<Trial> = {}): Trial => ({
  candidate: { launches, failures },
  predecessor: { launches: 100, failures: 10 },
  canaries: 5,
  ...rest,
});

describe('the verdict on a new image', () => {
  test.each([
    ['goes on while canaries are missing and none has failed', trial(0, 4), 'go-on'],
    ['is trust once all came up', trial(0, 5), 'trust'],
    ['is against it at the first failure beyond its predecessor’s share', trial(1, 1), 'set-back'],
    [
      'is trust where as many failed as of its predecessor’s',
      trial(1, 5, { predecessor: { launches: 10, failures: 2 } }),
      'trust',
    ],
    [
      'waits where a failure may still be within its predecessor’s share',
      trial(1, 3, { predecessor: { launches: 10, failures: 2 } }),
      'go-on',
    ],
    [
      'is against it where a predecessor without a record stands for none',
      trial(1, 1, { predecessor: { launches: 0, failures: 0 } }),
      'set-back',
    ],
    ['is trust at once without canaries', trial(0, 0, { canaries: 0 }), 'trust'],
  ] as const)('%s', (_name, given, kind) => {
    expect(judge(given).kind).toBe(kind);
  });

  test('says what was compared', () => {
    expect(judge(trial(3, 4))).toEqual({
      kind: 'set-back',
      why: '3 of 5 canary launches failed, of its predecessor 10 of 100',
    });
  });

  const record = fc
    .nat({ max: 200 })
    .chain(launches => fc.record({ launches: fc.constant(launches), failures: fc.nat({ max: launches }) }));
  const anyTrial = fc
    .record({ canaries: fc.nat({ max: 50 }), predecessor: record, endings: fc.array(fc.boolean(), { maxLength: 60 }) })
    .map(({ endings, ...rest }) => ({ ...rest, endings: endings.slice(0, rest.canaries) }));

  test('is reached with the last canary at the latest, and never taken back by those that end later', () => {
    fc.assert(
      fc.property(anyTrial, ({ canaries, predecessor, endings }) => {
        const kinds = [...endings, ...endings].map((_none, n) => {
          const ended = endings.slice(0, n);
          const candidate = { launches: ended.length, failures: ended.filter(isUp => !isUp).length };
          return judge({ canaries, predecessor, candidate }).kind;
        });
        const first = kinds.find(kind => kind !== 'go-on');
        const from = kinds.findIndex(kind => kind !== 'go-on');
        if (first !== undefined) expect(new Set(kinds.slice(from))).toEqual(new Set([first]));
        if (endings.length === canaries && endings.length > 0) {
          const candidate = { launches: endings.length, failures: endings.filter(isUp => !isUp).length };
          expect(judge({ canaries, predecessor, candidate }).kind).not.toBe('go-on');
        }
      }),
    );
  });

  test('is against an image exactly where a larger share of all its canaries failed', () => {
    fc.assert(
      fc.property(anyTrial, ({ canaries, predecessor, endings }) => {
        fc.pre(endings.length === canaries && canaries > 0);
        const failures = endings.filter(isUp => !isUp).length;
        const candidate = { launches: canaries, failures };
        const before = predecessor.launches === 0 ? 0 : predecessor.failures / predecessor.launches;
        const isWorse = failures > before * canaries;
        expect(judge({ canaries, predecessor, candidate }).kind).toBe(isWorse ? 'set-back' : 'trust');
      }),
    );
  });
});

test('never more launches are canaries than there are to be, whatever order they end in', () => {
  const deed = fc.constantFrom('launch', 'up', 'failed', 'void');
  fc.assert(
    fc.property(fc.nat({ max: 10 }), fc.array(deed, { maxLength: 80 }), (canaries, deeds) => {
      const candidate = { launches: 0, failures: 0 };
      let underWay = 0;
      for (const each of deeds) {
        if (each === 'launch') {
          if (wantsCanary({ candidate, predecessor: { launches: 0, failures: 0 }, canaries }, underWay)) underWay++;
        } else if (underWay > 0) {
          underWay--;
          if (each !== 'void') candidate.launches++;
          if (each === 'failed') candidate.failures++;
        }
        expect(candidate.launches + underWay).toBeLessThanOrEqual(canaries);
      }
    }),
  );
});

describe('the failure of a launch', () => {
  test('is the image’s where its machine did not come up', () => {
    expect(endingOfFailure('ssh', 'ssh.timeout')).toBe('failed');
    expect(endingOfFailure('boot', 'cloud.server-error')).toBe('failed');
    expect(endingOfFailure('create', 'cloud.refused')).toBe('failed');
    expect(endingOfFailure('ready-script', 'ssh.command')).toBe('failed');
  });
  test('is not the image’s where the cloud or the master is in trouble, at whatever step', () => {
    const others = (Object.keys(faultKinds) as FaultKind[]).filter(
      kind =>
        /^(jenkins|actor|store|gearman)\.|quota|rate-limited|unreachable$|auth$/.test(kind) && !kind.startsWith('ssh.'),
    );
    for (const step of launchStepsInOrder) {
      for (const kind of others) expect(endingOfFailure(step, kind), `${step} ${kind}`).toBe('void');
    }
  });
});
