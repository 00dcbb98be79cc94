import { expect, test } from 'vitest';
import { FailedLaunches, type LaunchEnd } from '../../src/domain/failed-launches.js';
import { Fault } from '../../src/domain/fault.js';
import { nodeId } from '../../src/domain/ids.js';

const end = (more: Partial<LaunchEnd> = {}): LaunchEnd => ({
  of: 'node',
  label: 'bare',
  provider: 'alpha',
  node: nodeId(1),
  at: 1_000,
  fault: new Fault('ssh.command', 'ready.sh ended with 1; it said:\nno  such\tpackage'),
  ...more,
});

test('are told in one line, with what to do, and counted in a row', () => {
  const failed = new FailedLaunches();
  failed.ended(end());
  failed.ended(end({ node: nodeId(2), at: 2_000 }));
  expect(failed.all()).toEqual([
    {
      label: 'bare',
      provider: 'alpha',
      node: 2,
      at: 2_000,
      inARow: 2,
      detail: 'ssh.command: ready.sh ended with 1; it said: no such package',
      next: 'run the command on a held node to see why it fails',
    },
  ]);
});

test('are forgotten with the first that works, in its provider and of its label', () => {
  const failed = new FailedLaunches();
  failed.ended(end());
  failed.ended(end({ provider: 'beta' }));
  failed.ended(end({ label: 'large' }));
  failed.ended(end({ fault: null }));
  expect(failed.all().map(({ label, provider }) => [label, provider])).toEqual([
    ['bare', 'beta'],
    ['large', 'alpha'],
  ]);
});

test('of a group count, and that one of its machines is there is no launch that works', () => {
  const failed = new FailedLaunches();
  failed.ended(end({ of: 'subnode' }));
  failed.ended(end({ of: 'subnode', fault: null }));
  expect(failed.all()).toHaveLength(1);
});

test('keep both ends of a long text, and no more labels than there may be', () => {
  const failed = new FailedLaunches();
  for (let n = 0; n < 1_100; n++) failed.ended(end({ label: `label-${n}` }));
  expect(failed.all()).toHaveLength(1_000);
  expect(failed.all()[0]?.label).toBe('label-100');
  failed.ended(end({ fault: new Fault('ssh.command', `begin ${'x'.repeat(5_000)} end`) }));
  expect(failed.all().at(-1)?.detail).toMatch(/^ssh\.command: begin x+ … x+ end$/);
  expect(failed.all().at(-1)?.detail.length).toBeLessThan(310);
});
