import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/runtime/clock.js';
import { steady } from '../../src/runtime/steady.js';

/** A machine whose two clocks are set by hand. */
function machine(): { clock: Clock; pass: (ms: number) => void; jump: (ms: number) => void } {
  const time = { now: 1_400_000_000_000, monotonic: 5_000.25 };
  return {
    clock: { now: () => time.now, monotonic: () => time.monotonic, after: () => () => undefined },
    pass(ms) {
      time.now += ms;
      time.monotonic += ms;
    },
    jump: ms => void (time.now += ms),
  };
}

test('the time of day is that of the machine while nobody sets it', () => {
  const { clock, pass } = machine();
  const time = steady(clock);
  for (const ms of [0, 1, 17, 3_600_000, 86_400_000]) {
    pass(ms);
    expect(time.now()).toBe(clock.now());
  }
});

test('whatever the machine’s clock is set to, time goes on, at half to one and a half times its pace', () => {
  const step = fc.record({ pass: fc.nat(100_000), jump: fc.integer({ min: -10_000_000, max: 10_000_000 }) });
  fc.assert(
    fc.property(fc.array(step), steps => {
      const { clock, pass, jump } = machine();
      const time = steady(clock);
      let before = time.now();
      for (const each of steps) {
        jump(each.jump);
        pass(each.pass);
        const passed = time.now() - before;
        // One millisecond for each of the two that were rounded.
        expect(passed).toBeGreaterThanOrEqual(each.pass * 0.5 - 1);
        expect(passed).toBeLessThanOrEqual(each.pass * 1.5 + 1);
        before = time.now();
      }
    }),
  );
});

test.each([3_600_000, -3_600_000])('a jump by %i ms is caught up with in two hours', byMs => {
  const { clock, pass, jump } = machine();
  const time = steady(clock);
  jump(byMs);
  const behind = (): number => Math.abs(clock.now() - time.now());
  for (let minute = 0; minute < 60; minute++) {
    pass(60_000);
    time.now();
  }
  expect(behind()).toBeGreaterThan(1_700_000);
  for (let minute = 0; minute < 60; minute++) {
    pass(60_000);
    time.now();
  }
  expect(behind()).toBeLessThanOrEqual(100);
});
