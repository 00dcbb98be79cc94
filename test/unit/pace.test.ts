import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import {
  eased,
  fullPace,
  governed,
  isRefusingAll,
  ownPauseMaxMs,
  slowdownMax,
  slowed,
  type Governor,
} from '../../src/domain/pace.js';

const complaint = { now: 1_000, askedAt: 900, retryAfterMs: null, reason: 'too many requests', chance: 0 };

/** What befalls the calls of a cloud, in order. */
const events = fc.array(
  fc.oneof(
    fc.constant('through' as const),
    fc.record({
      retryAfterMs: fc.option(fc.nat(3_600_000)),
      ageMs: fc.nat(60_000),
      chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  ),
  { maxLength: 200 },
);

function run(
  steps: typeof events extends fc.Arbitrary<infer E> ? E : never,
  each: (governor: Governor, now: number) => void,
): Governor {
  let governor = fullPace;
  let now = 0;
  for (const step of steps) {
    now += 100;
    governor =
      step === 'through'
        ? eased(governor)
        : slowed(governor, { ...step, now, askedAt: now - step.ageMs, reason: 'too many requests' });
    each(governor, now);
  }
  return governor;
}

test('a cloud that never complains is asked at the configured pace', () => {
  expect(governed(eased(fullPace), { calls: 8, rateMs: 1 })).toEqual({ calls: 8, rateMs: 1 });
});

test('a complaint halves the calls and doubles the pause', () => {
  expect(governed(slowed(fullPace, complaint), { calls: 8, rateMs: 100 })).toEqual({ calls: 4, rateMs: 200 });
});

test('complaints about calls that had started before the pace was cut do not cut it again', () => {
  const once = slowed(fullPace, complaint);
  const again = slowed(once, { ...complaint, now: 1_100, askedAt: 950 });
  expect(again.slowdown).toBe(once.slowdown);
  expect(slowed(again, { ...complaint, now: 2_000, askedAt: 1_500 }).slowdown).toBe(once.slowdown * 2);
});

test('a cloud that says how long to wait is not asked before', () => {
  expect(slowed(fullPace, { ...complaint, retryAfterMs: 30_000 }).pausedUntil).toBe(31_000);
  const longer = slowed(slowed(fullPace, { ...complaint, retryAfterMs: 30_000 }), { ...complaint, retryAfterMs: 10 });
  expect(longer.pausedUntil).toBe(31_000);
});

test('a cloud that refuses everything politely is seen to refuse everything, until one call comes through', () => {
  let governor = fullPace;
  for (let n = 0; n < 10; n++) governor = slowed(governor, { ...complaint, now: n, askedAt: n });
  expect(isRefusingAll(governor)).toBe(true);
  expect(isRefusingAll(eased(governor))).toBe(false);
});

test('the pace is never faster than configured, never less than one call, and its own pauses have an end', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 100 }), fc.nat(60_000), (steps, calls, rateMs) => {
      run(steps, governor => {
        const pace = governed(governor, { calls, rateMs });
        expect(pace.calls).toBeGreaterThanOrEqual(1);
        expect(pace.calls).toBeLessThanOrEqual(calls);
        expect(pace.rateMs).toBeGreaterThanOrEqual(rateMs);
        expect(pace.rateMs).toBeLessThanOrEqual(Math.max(rateMs, ownPauseMaxMs));
        expect(governor.slowdown).toBeGreaterThanOrEqual(1);
        expect(governor.slowdown).toBeLessThanOrEqual(slowdownMax);
      });
    }),
  );
});

test('no pause that the cloud asked for is cut short', () => {
  fc.assert(
    fc.property(events, steps => {
      let notBefore = -Infinity;
      let at = 0;
      run(steps, (governor, now) => {
        const step = steps[at++];
        if (step !== undefined && step !== 'through') notBefore = Math.max(notBefore, now + (step.retryAfterMs ?? 0));
        expect(governor.pausedUntil).toBeGreaterThanOrEqual(notBefore);
      });
    }),
  );
});

test('whatever happened, calls that come through bring full pace back', () => {
  fc.assert(
    fc.property(events, steps => {
      let governor = run(steps, () => undefined);
      let answers = 0;
      for (; governor.slowdown > 1; answers++) governor = eased(governor);
      expect(answers).toBeLessThanOrEqual(40);
      expect(governor).toMatchObject({ slowdown: 1, complaints: governor.complaints });
      expect(eased(governor)).toMatchObject({ complaints: 0 });
    }),
  );
});
