import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import {
  nextEnd,
  noShortages,
  plentiful,
  short,
  shortageFor,
  shortOf,
  type Shortages,
} from '../../src/domain/shortage.js';

const launch = { image: 'trusty', az: 'az1', flavor: 'm1.large' };
const noRoom = { kind: 'flavor', name: 'm1.large', az: 'az1' } as const;
const at = (now: number, chance = 0) => ({ reason: 'No valid host was found.', now, chance });

test('no host for a flavor in a zone concerns every image of that flavor there, and no other zone', () => {
  const shortages = short(noShortages, noRoom, at(0));
  expect(shortageFor(shortages, launch, 1)?.reason).toBe('No valid host was found.');
  expect(shortageFor(shortages, { ...launch, image: 'precise' }, 1)).not.toBeNull();
  expect(shortageFor(shortages, { ...launch, az: 'az2' }, 1)).toBeNull();
  expect(shortageFor(shortages, { ...launch, flavor: 'm1.small' }, 1)).toBeNull();
});

test('each disappointment is remembered longer, and those that were under way together count once', () => {
  const once = short(noShortages, noRoom, at(0));
  const burst = short(short(once, noRoom, at(10)), noRoom, at(20));
  const later = short(burst, noRoom, at((nextEnd(burst, 20) ?? 0) + 1));
  const failures = (shortages: Shortages): number[] => [...shortages.values()].map(each => each.failures);
  expect([failures(once), failures(burst), failures(later)]).toEqual([[1], [1], [2]]);
});

test('a launch that works ends what was short of it', () => {
  const shortages = short(noShortages, noRoom, at(0));
  expect(plentiful(shortages, launch).size).toBe(0);
  expect(plentiful(shortages, { ...launch, az: 'az2' }).size).toBe(1);
});

test.each([
  ['cloud.no-capacity', { kind: 'flavor', name: 'm1.large', az: 'az1' }],
  ['cloud.no-zone', { kind: 'image', name: 'trusty', az: 'az1' }],
  ['cloud.refused', { kind: 'image', name: 'trusty', az: 'az1' }],
  ['ssh.key', { kind: 'image', name: 'trusty', az: '*' }],
  ['ssh.key-exposed', { kind: 'image', name: 'trusty', az: '*' }],
  ['cloud.no-network', { kind: 'image', name: 'trusty', az: '*' }],
  ['ssh.timeout', null],
  ['cloud.unreachable', null],
] as const)('%s tells what is short', (kind, of) => {
  expect(shortOf(new Fault(kind, ''), launch)).toEqual(of);
});

test('whatever happened, every shortage ends within half an hour, and a working launch ends it at once', () => {
  const chance = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.record({ afterMs: fc.nat(3_600_000), az: fc.constantFrom('az1', 'az2'), chance })),
      steps => {
        let shortages = noShortages;
        let now = 0;
        for (const { afterMs, az, chance: c } of steps) {
          now += afterMs;
          shortages = short(shortages, { ...noRoom, az }, at(now, c));
          expect(shortageFor(shortages, { ...launch, az }, now)).not.toBeNull();
          expect(shortageFor(shortages, { ...launch, az }, now + 1_800_000)).toBeNull();
        }
        expect(shortageFor(plentiful(shortages, launch), launch, now)).toBeNull();
      },
    ),
  );
});
