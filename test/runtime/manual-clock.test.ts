import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { Deadlines, type Deadline } from '../../src/runtime/deadlines.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';

test('callbacks run in order of their time, then of their making, and never early', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 40 }), fc.array(fc.nat(40)), async (delays, cancelled) => {
      const clock = new ManualClock(0);
      const ran: { readonly n: number; readonly at: number }[] = [];
      const cancels = delays.map((delay, n) => clock.after(delay, () => ran.push({ n, at: clock.now() })));
      for (const n of cancelled) cancels[n]?.();
      await clock.advance(100);
      const expected = delays
        .map((at, n) => ({ n, at }))
        .filter(({ n }) => !cancelled.includes(n))
        .sort((one, other) => one.at - other.at || one.n - other.n);
      expect(ran).toEqual(expected);
      expect(clock.nextAt).toBeNull();
    }),
  );
});

test('a callback made by a callback runs in the same advance when it is due', async () => {
  const clock = new ManualClock(0);
  const ran: number[] = [];
  clock.after(10, () => {
    clock.after(10, () => ran.push(clock.now()));
    clock.after(100, () => ran.push(clock.now()));
  });
  await clock.advance(50);
  expect(ran).toEqual([20]);
  expect([clock.now(), clock.nextAt]).toEqual([50, 110]);
});

test('what a callback sets off has settled before the next one', async () => {
  const clock = new ManualClock(0);
  const story: string[] = [];
  clock.after(10, () => {
    void Promise.resolve().then(async () => {
      await Promise.resolve();
      story.push('settled');
    });
  });
  clock.after(10, () => story.push('next'));
  await clock.advance(10);
  expect(story).toEqual(['settled', 'next']);
});

test('cancelling after the fact, or twice, takes nothing else away', async () => {
  const clock = new ManualClock(0);
  let ran = 0;
  const cancel = clock.after(10, () => ran++);
  await clock.advance(10);
  clock.after(0, () => ran++);
  cancel();
  cancel();
  await clock.advance(10);
  expect(ran).toBe(2);
});

test('it moves on until a condition holds, or says that it never did', async () => {
  const clock = new ManualClock(0);
  let isSo = false;
  clock.after(1_000, () => (isSo = true));
  await clock.advanceUntil(() => isSo, 5_000);
  expect(clock.now()).toBe(1_000);
  await expect(clock.advanceUntil(() => false, 5_000)).rejects.toThrow('not so within 5000 ms');
});

test('each deadline expires in its time unless it is cancelled, with one timer per duration', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          waitMs: fc.nat(20),
          durationMs: fc.constantFrom(10, 30, 50),
          cancelAfterMs: fc.option(fc.nat(60)),
        }),
        { maxLength: 30 },
      ),
      async script => {
        const clock = new ManualClock(0);
        const deadlines = new Deadlines(clock, callback => void setImmediate(callback));
        const expired: { readonly n: number; readonly at: number }[] = [];
        const expected: { readonly n: number; readonly at: number }[] = [];
        for (const [n, { waitMs, durationMs, cancelAfterMs }] of script.entries()) {
          await clock.advance(waitMs);
          const deadline: Deadline = deadlines.in(durationMs, () => expired.push({ n, at: clock.now() }));
          if (cancelAfterMs !== null) clock.after(cancelAfterMs, () => deadline.cancel());
          // At the same time the deadline may come first, since its lane's timer can be the older one.
          if (cancelAfterMs === null || cancelAfterMs > durationMs) expected.push({ n, at: clock.now() + durationMs });
          if (cancelAfterMs === durationMs) expected.push({ n, at: -1 });
        }
        await clock.advance(1_000);
        const certain = expected.filter(({ at }) => at >= 0);
        const uncertain = new Set(expected.filter(({ at }) => at < 0).map(({ n }) => n));
        const byNumber = (one: { readonly n: number }, other: { readonly n: number }): number => one.n - other.n;
        expect(expired.filter(({ n }) => !uncertain.has(n)).sort(byNumber)).toEqual(certain);
        expect(clock.nextAt).toBeNull();
      },
    ),
  );
});
