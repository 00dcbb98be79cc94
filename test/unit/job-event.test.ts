import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { readJobEvent } from '../../src/domain/job-event.js';

const frame = (topic: string, build: object | null, name: unknown = 'unit') =>
  `${topic} ${JSON.stringify({ name, url: 'job/unit/', build })}`;

describe('a job event', () => {
  test('names topic, job, node, result and branch', () => {
    const build = {
      phase: 'FINISHED',
      status: 'SUCCESS',
      parameters: { ZUUL_BRANCH: 'master' },
      node_name: 'precise-17',
    };
    expect(readJobEvent(frame('onFinalized', build))).toEqual({
      kind: 'event',
      topic: 'onFinalized',
      job: 'unit',
      nodename: 'precise-17',
      result: 'SUCCESS',
      branch: 'master',
    });
  });

  test('at the start has no result, and without parameters no branch', () => {
    expect(readJobEvent(frame('onStarted', { node_name: 'precise-17' }))).toMatchObject({
      topic: 'onStarted',
      result: null,
      branch: 'unknown_branch',
    });
    expect(readJobEvent(frame('onStarted', { node_name: 'n', parameters: {} }))).toMatchObject({
      branch: 'unknown_branch',
    });
  });

  test('is split at the first white space, of whatever length', () => {
    const text = JSON.stringify({ name: 'a b', build: { node_name: 'n' } });
    expect(readJobEvent(`onStarted \t ${text}`)).toMatchObject({ kind: 'event', job: 'a b' });
    expect(readJobEvent(`onStarted\n${text}\n`)).toMatchObject({ kind: 'event', job: 'a b' });
  });

  test('keeps the plugin’s escapes', () => {
    const text = '{"name":"axis\\u003dvalue","build":{"node_name":"n"}}';
    expect(readJobEvent(`onStarted ${text}`)).toMatchObject({ job: 'axis=value' });
  });

  test.each([{}, { node_name: '' }, { node_name: null }])('about no node is ignored: %j', build => {
    expect(readJobEvent(frame('onStarted', build)).kind).toBe('ignored');
  });

  test.each([
    '',
    'onStarted',
    'onStarted ',
    'onStarted {',
    'onStarted []',
    'onStarted null',
    'onStarted "x"',
    'onDeleted {}',
    frame('onStarted', null),
    frame('onStarted', { node_name: 7 }),
    frame('onStarted', { node_name: 'n' }, 7),
    frame('onStarted', { node_name: 'n' }, null),
  ])('that cannot be read is malformed: %s', text => {
    expect(readJobEvent(text).kind).toBe('malformed');
  });

  test('never throws', () => {
    const topic = fc.constantFrom('onStarted', 'onCompleted', 'onFinalized', 'x', '');
    const build = fc.record(
      { node_name: fc.anything(), status: fc.anything(), parameters: fc.anything() },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc
        .record({ name: fc.anything(), build })
        .map(value => String(JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? 1 : v)))),
    );
    fc.assert(
      fc.property(topic, text, (first, rest) => {
        expect(['event', 'ignored', 'malformed']).toContain(readJobEvent(`${first} ${rest}`).kind);
        expect(['event', 'ignored', 'malformed']).toContain(readJobEvent(rest).kind);
      }),
      { numRuns: 2000 },
    );
    expect(readJobEvent(`onStarted ${'['.repeat(200_000)}`).kind).toBe('malformed');
  });
});
