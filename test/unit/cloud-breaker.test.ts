import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import {
  callAnswered,
  callFailed,
  closedBreaker,
  failedCallsAllowed,
  failedLaunchesAllowed,
  isCloudTrouble,
  isOpenForLaunches,
  launchFailed,
  launchWorked,
  phaseOf,
  quotaRefused,
  type Breaker,
} from '../../src/domain/cloud-breaker.js';
import { Fault, faultKinds, type FaultKind } from '../../src/domain/fault.js';

const down = new Fault('cloud.unreachable', 'connect ECONNREFUSED');
const full = new Fault('cloud.quota', 'Quota exceeded for instances');
const broken = new Fault('ssh.timeout', 'no login');

/** Failed calls, answered calls and launches in any order, some seconds apart. */
const events = fc.array(
  fc.record({
    what: fc.constantFrom('call failed', 'answered', 'quota', 'launch failed', 'launch worked'),
    afterMs: fc.nat(120_000),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { maxLength: 100 },
);
type Events = typeof events extends fc.Arbitrary<infer E> ? E : never;

function run(steps: Events, each: (breaker: Breaker, now: number) => void = () => undefined): [Breaker, number] {
  let breaker = closedBreaker;
  let now = 0;
  for (const { what, afterMs, chance } of steps) {
    now += afterMs;
    if (what === 'call failed') breaker = callFailed(breaker, down, now, chance);
    else if (what === 'answered') breaker = callAnswered(breaker);
    else if (what === 'quota') breaker = quotaRefused(breaker, full, now, chance);
    else if (what === 'launch failed') breaker = launchFailed(breaker, broken, now, chance);
    else breaker = launchWorked(breaker);
    each(breaker, now);
  }
  return [breaker, now];
}

test('it opens at a call that failed for the cloud’s sake, half-opens when the pause is over, and an answer closes it', () => {
  const failed = callFailed(closedBreaker, down, 1_000, 0);
  expect(phaseOf(closedBreaker, 0)).toBe('closed');
  expect(phaseOf(failed, 1_000)).toBe('open');
  expect(phaseOf(failed, failed.callsFrom)).toBe('half-open');
  expect(callAnswered(failed)).toEqual(closedBreaker);
});

test('a few failed calls do not turn launches away, more do', () => {
  let breaker = closedBreaker;
  for (let n = 1; n < failedCallsAllowed; n++) breaker = callFailed(breaker, down, 0, 0);
  expect(isOpenForLaunches(breaker, 0)).toBe(true);
  expect(isOpenForLaunches(callFailed(breaker, down, 0, 0), 0)).toBe(false);
});

test('a burst of quota refusals counts once, and the next one after the pause makes it longer', () => {
  const once = quotaRefused(closedBreaker, full, 0, 0);
  const burst = quotaRefused(quotaRefused(once, full, 10, 0), full, 20, 0);
  expect(burst.launchesFrom - 20).toBe(once.launchesFrom);
  const later = quotaRefused(burst, full, burst.launchesFrom, 0);
  expect(later.launchesFrom - burst.launchesFrom).toBeGreaterThan(once.launchesFrom);
});

test('launches that fail one after the other close it for launches, one that works does not count', () => {
  let breaker = closedBreaker;
  for (let n = 0; n < failedLaunchesAllowed; n++) breaker = launchFailed(breaker, broken, 0, 0);
  expect(isOpenForLaunches(breaker, 0)).toBe(true);
  expect(isOpenForLaunches(launchFailed(breaker, broken, 0, 0), 0)).toBe(false);
  expect(isOpenForLaunches(launchFailed(launchWorked(breaker), broken, 0, 0), 0)).toBe(true);
});

test('only faults of the cloud itself are trouble of the cloud', () => {
  const kinds = Object.keys(faultKinds) as FaultKind[];
  expect(kinds.filter(kind => isCloudTrouble(new Fault(kind, '')))).toEqual([
    'cloud.unreachable',
    'cloud.timeout',
    'cloud.auth',
    'cloud.error',
    'cloud.bad-answer',
    'cloud.no-endpoint',
  ]);
});

test('whatever happened, no pause is longer than its limit, and what is closed says why', () => {
  fc.assert(
    fc.property(events, steps => {
      run(steps, (breaker, now) => {
        expect(breaker.callsFrom - now).toBeLessThanOrEqual(60_000);
        expect(breaker.launchesFrom - now).toBeLessThanOrEqual(600_000);
        if (phaseOf(breaker, now) !== 'closed') expect(breaker.callTrouble).not.toBeNull();
      });
    }),
  );
});

test('whatever happened, an answer and time make it welcome launches again', () => {
  fc.assert(
    fc.property(events, steps => {
      const [breaker, now] = run(steps);
      expect(isOpenForLaunches(callAnswered(breaker), now + 600_000)).toBe(true);
      expect(phaseOf(callAnswered(breaker), now)).toBe('closed');
    }),
  );
});
