/** Every command in every form that it promises, with a daemon and without one. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCli } from '../../../src/cli/main.js';
import { outputs, type Output } from '../../../src/cli/options.js';
import { watchedJobId } from '../../../src/domain/ids.js';
import { actor, image, node, provider } from '../../contract/http/fake-control.js';
import { FakeCi } from '../../support/fake-ci.js';
import { FakeCloud, fakeImage } from '../../support/fake-cloud.js';
import { FakeDemand } from '../../support/fake-demand.js';
import { FakeEvents } from '../../support/fake-events.js';
import { snapshotRow } from '../../support/snapshot-row.js';
import { Harness, row, type Run } from './harness.js';

/** What a form prints: `list` is a table and one name a line, `text` is for people, `quiet` is said on stderr alone. */
type Shape = 'list' | 'tables' | 'names' | 'text' | 'quiet' | 'silent';

interface Case {
  readonly argv: readonly string[];
  readonly shape: Shape;
  /** Whether it works while no daemon runs. */
  readonly isOffline?: true;
  /** Where it is not 0. */
  readonly code?: number;
}

const cases: readonly Case[] = [
  { argv: ['list'], shape: 'list', isOffline: true },
  { argv: ['image-list'], shape: 'list', isOffline: true },
  { argv: ['alien-list'], shape: 'list', isOffline: true },
  { argv: ['alien-image-list'], shape: 'list', isOffline: true },
  { argv: ['image-update', 'rax-ord', 'precise', '--no-wait'], shape: 'list' },
  { argv: ['image-delete', '3'], shape: 'list' },
  { argv: ['image-pause', 'rax-ord', 'precise'], shape: 'quiet' },
  { argv: ['image-resume', 'rax-ord', 'precise'], shape: 'quiet' },
  { argv: ['hold', '17'], shape: 'list', isOffline: true },
  { argv: ['release', '17'], shape: 'list' },
  { argv: ['delete', '17'], shape: 'list', isOffline: true },
  { argv: ['job-list'], shape: 'list', isOffline: true },
  { argv: ['job-create', 'gate'], shape: 'list', isOffline: true },
  { argv: ['job-delete', '1'], shape: 'list', isOffline: true },
  { argv: ['tree'], shape: 'names' },
  { argv: ['inspect', '/store'], shape: 'names' },
  { argv: ['top'], shape: 'text' },
  { argv: ['restart', '/store'], shape: 'quiet' },
  { argv: ['explain'], shape: 'names' },
  { argv: ['plan'], shape: 'tables' },
  { argv: ['plan', '--empty'], shape: 'tables', isOffline: true },
  { argv: ['tune', 'rax-ord', 'launches=1'], shape: 'quiet' },
  { argv: ['reload'], shape: 'text' },
  {
    argv: ['config-validate', '-c', 'test/fixtures/config/refused-keys.yaml'],
    shape: 'quiet',
    isOffline: true,
    code: 6,
  },
  { argv: ['doctor'], shape: 'names', isOffline: true, code: 6 },
  { argv: ['wait'], shape: 'silent' },
  { argv: ['wait', 'node', '17'], shape: 'list' },
  { argv: ['wait', 'image', 'rax-ord', 'precise'], shape: 'list' },
  { argv: ['version'], shape: 'text', isOffline: true },
];
/** Prints one script, whatever the form. */
const without = ['completion'];
/** Endless: one event is awaited below. */
const endless = ['watch'];
/** Make a world of their own: test/e2e has them. */
const worlds = ['demo', 'rehearse'];

const named: readonly Shape[] = ['list', 'tables', 'names'];
/** Those that say something of a file to people on stderr, and print it as data. */
const hasData = (command: string, shape: Shape): boolean =>
  command === 'config-validate' || (shape !== 'quiet' && shape !== 'silent');

let cli: Harness;
let config: string[];

beforeEach(async () => {
  cli = await Harness.open();
  config = await cli.configure();
  const seen = image(3, { state: 'building', step: 'boot' });
  const status = { provider: 'rax-ord', image: 'precise', lastBuild: null, isPaused: false, candidate: null } as const;
  cli.api.nodeViews = [node(17, { subnodes: [] })];
  cli.api.imageViews = [seen];
  cli.api.outcome = { kind: 'done', node: node(17) };
  cli.api.imageOutcome = { kind: 'done', image: seen };
  cli.api.imageStatuses = [{ ...status, current: image(3), building: [] } as never];
  cli.api.alienServerViews = { aliens: [server], troubles: [] };
  cli.api.alienImageViews = {
    aliens: [{ provider: 'rax', name: 'x', imageId: 'i', status: 'active', mark: null }],
    troubles: [],
  };
  cli.api.jobViews = [{ id: 1, name: 'gate', holdOnFailure: 1 }];
  cli.api.providerViews = [provider('rax-ord')];
  cli.api.root = actor('/', { children: [actor('/store', { kind: 'store' })] });
  cli.api.reloaded = { kind: 'done', changes: ['provider rax-ord: rate changed'], problems: [] };
  cli.api.explainView = explained;
  cli.api.planView = {
    grants: [{ label: 'precise', provider: 'rax-ord', target: 'jenkins01', count: 2 }],
    deficits: { precise: 2 },
    changes: [],
    isRefused: false,
    problems: [],
    effects: [{ effect: 'start', what: 'label precise', detail: 'min-ready 2' }],
    peaks: [{ provider: 'rax-ord', servers: 0, launched: 2, templates: 0, peak: 2, maxServers: 5 }],
  };
  cli.store.rows = [row(17)];
  cli.store.snapshots = [snapshotRow(3, 1_402_000_000)];
  cli.store.jobs = [{ id: watchedJobId(1), name: 'other', holdOnFailure: 1 }];
  cli.cloud('rax-ord').addForeign('database-1');
  cli.cloud('rax-ord').images.push({ ...fakeImage('old'), metadata: { image_type: 'snapshot' } });
  const cloud = new FakeCloud();
  const demand = new FakeDemand();
  cli.world = {
    openCloud: () => cloud,
    openCi: () => new FakeCi(),
    demand,
    events: new FakeEvents(),
    close: async () => undefined,
  };
});

afterEach(async () => {
  await cli.close();
});

const server = { provider: 'rax', hostname: 'db-1', serverId: 's-1', ip: null, status: 'ACTIVE', mark: null };
const explained = {
  at: 0,
  roundAt: 0,
  sampledAt: null,
  labels: [
    {
      label: 'precise',
      verdict: 'has what it needs',
      figures: null,
      refusals: [],
      images: [],
      failures: [],
      underWay: [],
    },
  ],
  providers: [],
  node: null,
  rounds: [],
};

/** What no form of any command says: a stack, or a value that nobody turned into words. */
const neverSaid = /this is a bug|^ {4}at |undefined|\[object |NaN|Invalid Date/m;

function check({ out, err }: Run, shape: Shape, output: Output): void {
  expect(out + err).not.toMatch(neverSaid);
  switch (output) {
    case 'json':
    case 'yaml':
      return;
    case 'name':
      if (!named.includes(shape)) return;
      expect(out).toMatch(/^(\S.*\n)+$/);
      expect(out).not.toMatch(/^[+|]/m);
      return;
    case 'table':
    case 'wide':
      if (shape === 'list' || shape === 'tables') expectTables(out);
      else if (shape !== 'silent') expect(shape === 'quiet' ? err : out).toMatch(/\S/);
  }
}

/** Each with a header, a row at least, and lines of one width; between them what they are. */
function expectTables(text: string): void {
  const blocks = text.split(/^[^+|].*\n/m).filter(block => block !== '');
  for (const block of blocks) {
    const lines = block.trimEnd().split('\n');
    expect(new Set(lines.map(line => line.length)).size, block).toBe(1);
    expect(lines.length, block).toBeGreaterThanOrEqual(5);
    expect(lines.map(line => line[0]).join(''), block).toMatch(/^\+\|\+\|+\+$/);
  }
}

/** The same data whichever way it is written, and not nothing. */
function expectData(json: Run, yaml: Run): void {
  const data: unknown = JSON.parse(json.out);
  expect(parse(yaml.out)).toEqual(data);
  expect(Object.keys(data as object).length).toBeGreaterThan(0);
}

type Ask = (...argv: string[]) => Promise<Run>;

async function inAllForms({ argv, shape, code = 0 }: Case, ask: Ask): Promise<void> {
  const runs = {} as Record<Output, Run>;
  const { rows, jobs } = cli.store;
  for (const output of outputs) {
    cli.store.rows = rows;
    cli.cloud('rax-ord').isClosed = false;
    cli.store.jobs = [...jobs];
    runs[output] = await ask(...argv, '-o', output);
    expect(runs[output].code, `${argv.join(' ')} -o ${output}: ${runs[output].err}`).toBe(code);
    check(runs[output], shape, output);
  }
  if (hasData(argv[0] ?? '', shape)) expectData(runs.json, runs.yaml);
  else expect([runs.json.out, runs.yaml.out]).toEqual(['', '']);
  if (shape === 'list') expect(runs.wide.out.length).toBeGreaterThanOrEqual(runs.table.out.length);
}

const titled = (some: readonly Case[]): [string, Case][] => some.map(each => [each.argv.join(' '), each]);

describe('with a daemon', () => {
  it.each(titled(cases))('%s', async (_, each) => {
    await cli.serve();
    // What is read from the file is read beside the daemon.
    const isNamed = each.argv.includes('-c');
    await inAllForms(each, (...argv) => cli.ask(...argv, ...(isNamed ? [] : config)));
  });

  it.each(outputs)('watch -o %s', async output => {
    await cli.serve();
    const texts = { out: '', err: '' };
    const running = runCli(['--socket', cli.socket, 'watch', '-o', output], cli.context(texts));
    const event = { at: 0, type: 'node.ready', message: 'node 1 is ready', node: 1 };
    while (texts.out === '') {
      cli.api.emit(event);
      await new Promise(resolve => setImmediate(resolve));
    }
    cli.interrupt.abort();
    expect(await running).toBe(0);
    const [first = ''] = texts.out.split(/\n(?=---|$|\S+ {2}|\{|node\.)/);
    if (output === 'json') expect(JSON.parse(first)).toEqual(event);
    else if (output === 'yaml') expect(parse(first)).toEqual(event);
    else expect(first).toContain('node.ready');
  });
});

describe('without a daemon', () => {
  it.each(titled(cases.filter(({ isOffline }) => isOffline)))('%s', async (_, each) => {
    const isNamed = each.argv.includes('-c');
    await inAllForms(each, (...argv) => cli.run(...argv, ...(isNamed ? [] : config)));
  });

  it.each(titled(cases.filter(({ isOffline }) => !isOffline)))(
    '%s ends with 5 and one sentence',
    async (_, { argv }) => {
      for (const output of outputs) {
        const { code, out, err } = await cli.run(...argv, ...config, '-o', output);
        expect([code, out]).toEqual([5, '']);
        expect(err).toMatch(/^nodepool: .+\n$/);
        expect(err).not.toMatch(neverSaid);
      }
    },
  );
});

it('no command is left out', async () => {
  const { out } = await cli.run('--help');
  const names = [...(out.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name);
  const here = cases.map(({ argv }) => argv[0]);
  expect(names.length).toBeGreaterThan(20);
  expect(new Set(names)).toEqual(new Set([...here, ...without, ...endless, ...worlds]));
});
