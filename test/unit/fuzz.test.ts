/**
 * Whatever comes from outside is read or refused, by the error that its reader promises and by no other: a mistake in a
 * reader would be a crash that a stranger can cause at will.
 */
import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { StatusReader } from '../../src/adapters/gearman/status-reader.js';
import { parseHost, parseNodes, parseStatus, withLabels, type Answer } from '../../src/adapters/jenkins/answer.js';
import { decodeCatalogV2, decodeCatalogV3 } from '../../src/adapters/openstack/catalog.js';
import { faultOf, jsonOf } from '../../src/adapters/openstack/faults.js';
import { decodeFlavor, decodeImage, decodeKeypair, decodeServer } from '../../src/adapters/openstack/nova-words.js';
import { readLoggingPlan } from '../../src/cli/logging/log.js';
import { LoggingFileError } from '../../src/cli/logging/plan.js';
import { readCloudFiles } from '../../src/config/cloud-files.js';
import { readConfig } from '../../src/config/load.js';
import { problemText } from '../../src/config/problem.js';
import { readSecure } from '../../src/config/secure.js';
import { parseDburi } from '../../src/domain/dburi.js';
import { Fault } from '../../src/domain/fault.js';
import { readJobEvent } from '../../src/domain/job-event.js';

const deep = 5_000;
/** What breaks parsers by its depth or by what it grows to. */
const bombs = [
  '['.repeat(deep),
  `${'['.repeat(deep)}${']'.repeat(deep)}`,
  `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
  ['a: &a [x, x, x, x, x, x, x, x, x]', ...'bcdefghi'.split('').map(bomb)].join('\n'),
  '? '.repeat(deep),
  '- '.repeat(deep),
  '\u0000\ufeff\ud800',
  '__proto__: {x: 1}\nconstructor: {prototype: 1}',
];

function bomb(name: string): string {
  const before = String.fromCharCode(name.charCodeAt(0) - 1);
  return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`;
}

/** Random text, and samples of what is right with a piece cut out, doubled, or replaced. */
function damaged(...samples: readonly string[]): fc.Arbitrary<string> {
  const cut = fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.nat(60), fc.oneof(fc.string(), fc.string({ unit: 'binary' })))
    .map(([sample, at, length, put]) => {
      const start = at % (sample.length + 1);
      return sample.slice(0, start) + put + sample.slice(start + length);
    });
  return fc.oneof({ weight: 6, arbitrary: cut }, fc.string({ unit: 'binary' }), fc.constantFrom(...bombs));
}

/** JSON as it should be, with any value in any of its places. */
function damagedJson(sample: unknown): fc.Arbitrary<unknown> {
  const places = placesIn(sample);
  return fc.tuple(fc.constantFrom(...places), fc.jsonValue()).map(([place, value]) => replaced(sample, place, value));
}

type Place = readonly (string | number)[];

function placesIn(value: unknown, at: Place = []): Place[] {
  const inside = Array.isArray(value)
    ? value.flatMap((each, index) => placesIn(each, [...at, index]))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, each]) => placesIn(each, [...at, key]))
      : [];
  return [at, ...inside];
}

function replaced(value: unknown, [first, ...rest]: Place, by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value))
    return (value as unknown[]).map((each, index) => (index === first ? replaced(each, rest, by) : each));
  const object = value as Record<string, unknown>;
  return { ...object, [first]: replaced(object[first], rest, by) };
}

/** Reads it, or refuses it with this kind of error. */
function readsOrRefuses(read: () => unknown, isPromised: (error: unknown) => boolean): void {
  try {
    read();
  } catch (error) {
    if (!isPromised(error)) throw error;
  }
}

const isFault = (error: unknown): boolean => error instanceof Fault;
const holds = <T>(what: fc.Arbitrary<T>, check: (value: T) => void): void => {
  fc.assert(fc.property(what, check), { numRuns: 250 });
};

describe('any bytes at all', () => {
  const build = { number: 7, phase: 'FINISHED', status: 'SUCCESS', node_name: 'n-1', parameters: { ZUUL_BRANCH: 'm' } };
  const frame = `onFinalized ${JSON.stringify({ name: 'gate-nova', url: 'job/gate-nova/', build })}`;
  test('as a frame of a publisher', () => {
    holds(damaged(frame), text => void readJobEvent(text));
    holds(damagedJson({ name: 'gate-nova', build }), body => void readJobEvent(`onStarted ${JSON.stringify(body)}`));
  });

  test('as the lines of a Gearman server, in any pieces', () => {
    const lines = 'build:a:small\t3\t1\t2\nstop:host\t0\t0\t1\n.\n';
    holds(fc.tuple(damaged(lines), fc.array(fc.nat(50))), ([text, cuts]) => {
      const reader = new StatusReader();
      let left = Buffer.from(text);
      for (const at of cuts) {
        reader.read(left.subarray(0, at));
        left = left.subarray(at);
      }
      reader.read(left);
      for (const { total, running, workers } of reader.status().functions) {
        expect([total, running, workers].every(count => Number.isSafeInteger(count) && count >= 0)).toBe(true);
      }
    });
  });

  test('as a configuration: it is usable, or each problem is told with its place', () => {
    const text =
      'dburi: mysql://u:p@h/d\nlabels:\n  - {name: a, image: b, min-ready: 1, providers: [{name: x}]}\ntargets: []\n';
    holds(damaged(text), each => {
      const reading = readConfig(each, { file: 'n.yaml', needsDatabase: false });
      for (const problem of reading.problems) expect(problemText(problem)).toMatch(/^n\.yaml:\d+:\d+: /);
      if (reading.kind === 'refused') expect(reading.problems).not.toEqual([]);
    });
  });

  test('as secure.conf and as clouds.yaml', () => {
    const secure = '[database]\ndburi = mysql://u:p@h/d\n[jenkins "j"]\nuser: u\napikey=k\n';
    const clouds = 'clouds:\n  a: {auth: {auth_url: http://k/, password: p}, region_name: r}\n';
    holds(damaged(secure), text => void readSecure(text, 's.conf'));
    holds(damaged(clouds), text => {
      const places = { env: {}, home: '/home/u', currentDir: '/w' };
      readCloudFiles(places, file => (file.endsWith('clouds.yaml') ? { text } : null));
    });
  });

  test('as a logging file, of either kind', () => {
    const ini =
      '[loggers]\nkeys=root\n[handlers]\nkeys=h\n[logger_root]\nlevel=INFO\nhandlers=h\n[handler_h]\nclass=StreamHandler\nargs=(sys.stderr,)\n';
    const yaml = 'level: info\noutputs:\n  - {file: /x, format: json}\n';
    const tree = 'version: 1\nhandlers: {h: {class: logging.StreamHandler}}\nroot: {level: INFO, handlers: [h]}\n';
    const isRefusal = (error: unknown): boolean => error instanceof LoggingFileError;
    holds(damaged(ini), text => readsOrRefuses(() => readLoggingPlan('l.conf', text), isRefusal));
    holds(damaged(yaml, tree), text => readsOrRefuses(() => readLoggingPlan('l.yaml', text), isRefusal));
  });

  test('as a dburi: what is refused does not tell the password', () => {
    const password = 'planted-5512';
    const sample = `postgresql+psycopg2://user:${password}@[::1]:5432/nodepool?sslmode=require`;
    holds(damaged(sample, 'mysql://u@h/d?unix_socket=/x'), text => {
      try {
        parseDburi(text);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect(error).not.toBeInstanceOf(TypeError);
        expect((error as Error).message).not.toContain(password);
      }
    });
  });
});

describe('any answer at all', () => {
  const server = {
    id: 's-1',
    name: 'n',
    status: 'ACTIVE',
    created: '2014-06-01T00:00:00Z',
    metadata: { a: 'b' },
    addresses: { net: [{ addr: '10.0.0.1', version: 4, 'OS-EXT-IPS:type': 'fixed' }] },
    fault: { message: 'no host' },
    'OS-EXT-AZ:availability_zone': 'nova',
  };
  const catalog = [
    { type: 'compute', name: 'nova', endpoints: [{ interface: 'public', region: 'r', url: 'http://n/' }] },
  ];
  const catalogV2 = [{ type: 'compute', name: 'nova', endpoints: [{ region: 'r', publicURL: 'http://n/' }] }];

  test.each([
    ['a server', server, decodeServer],
    ['a flavor', { id: '1', name: 'small', ram: 2048, vcpus: 1, disk: 10 }, decodeFlavor],
    ['an image', { id: 'i', name: 'img', status: 'ACTIVE', metadata: {}, created: '2014' }, decodeImage],
    ['a key pair', { keypair: { name: 'k', public_key: 'ssh-rsa A' } }, decodeKeypair],
    ['a catalogue', catalog, (value: unknown) => decodeCatalogV3(value, 'public')],
    ['a catalogue of 2014', catalogV2, (value: unknown) => decodeCatalogV2(value, 'public')],
  ])('of a cloud for %s', (_what, sample, decode) => {
    holds(damagedJson(sample), value => readsOrRefuses(() => decode(value), isFault));
  });

  test('of a cloud that is no success, or no JSON', () => {
    const answers = damaged('{"badRequest": {"code": 400, "message": "m", "retryAfter": "7"}}', '<html>503</html>');
    const headers = fc.record({ 'retry-after': fc.oneof(fc.string(), fc.constant('120')) });
    holds(fc.tuple(answers, fc.integer({ min: 100, max: 599 }), headers), ([text, status, given]) => {
      const answer = { what: 'GET /servers', status, text, headers: given } as unknown as Parameters<typeof faultOf>[0];
      readsOrRefuses(() => jsonOf(answer), isFault);
      expect(faultOf(answer)).toBeInstanceOf(Fault);
    });
  });

  test('of a master', () => {
    const request = { method: 'GET', path: '/computer/api/json' };
    const answerOf = (text: string): Answer =>
      ({ request, status: 200, text, header: () => null }) as unknown as Answer;
    const computer = { displayName: 'n', offline: false, temporarilyOffline: false, idle: true, _class: 'x' };
    const xml = '<?xml version="1.1"?><slave><label>a b</label><launcher><host>127.0.0.1</host></launcher></slave>';
    holds(damagedJson({ computer: [computer], quietingDown: false }), body => {
      const answer = answerOf(JSON.stringify(body));
      readsOrRefuses(() => parseNodes(answer), isFault);
      readsOrRefuses(() => parseStatus(answer), isFault);
    });
    holds(damaged(xml, '{"computer": []}'), text => {
      const answer = answerOf(text);
      for (const read of [parseNodes, parseStatus, parseHost, (each: Answer) => withLabels(each, 'a&b')]) {
        readsOrRefuses(() => read(answer), isFault);
      }
    });
  });
});
