import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { Ring } from '../../src/runtime/ring.js';

type Step =
  | { readonly kind: 'push'; readonly item: number }
  | { readonly kind: 'shift' }
  | { readonly kind: 'remove'; readonly divisor: number };

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), item: fc.nat(100) }) },
    { weight: 3, arbitrary: fc.constant<Step>({ kind: 'shift' }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('remove' as const), divisor: fc.integer({ min: 2, max: 7 }) }),
    },
  ),
  { maxLength: 300 },
);

test('a ring does what an array does', () => {
  fc.assert(
    fc.property(steps, script => {
      const ring = new Ring<number>(1);
      const model: number[] = [];
      for (const step of script) {
        if (step.kind === 'push') {
          ring.push(step.item);
          model.push(step.item);
        } else if (step.kind === 'shift') {
          expect(ring.shift()).toBe(model.shift());
        } else {
          const place = model.findIndex(item => item % step.divisor === 0);
          const expected = place < 0 ? undefined : model.splice(place, 1)[0];
          expect(ring.removeFirst(item => item % step.divisor === 0)).toBe(expected);
        }
        expect(ring.length).toBe(model.length);
      }
      expect(Array.from(model, () => ring.shift())).toEqual(model);
      expect(ring.shift()).toBeUndefined();
    }),
  );
});

test('a ring doubles when it is full, and only then', () => {
  const ring = new Ring<number>(2);
  ring.push(1);
  ring.push(2);
  expect(ring.capacity).toBe(2);
  ring.push(3);
  expect(ring.capacity).toBe(4);
  expect([ring.shift(), ring.shift(), ring.shift()]).toEqual([1, 2, 3]);
});
