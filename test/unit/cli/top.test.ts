import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Terminal } from '../../../src/cli/context.js';
import { nodesShown, rowsWithin, sortKeys, summaryOf } from '../../../src/cli/top/glance.js';
import { History } from '../../../src/domain/history.js';
import { noNodes } from '../../../src/domain/states.js';
import { node, provider } from '../../contract/http/fake-control.js';
import { until } from '../../support/until.js';
import { Harness } from './harness.js';

let cli: Harness;

beforeEach(async () => {
  cli = await Harness.open();
  cli.takesTime = true;
  const history = new History();
  history.noteLaunch({ at: 0, ms: 45_000, isReady: true });
  history.noteStock(noNodes, new Map([['precise', 3]]), 0);
  cli.api.historyView = history.view();
  cli.api.providerViews = [
    provider('rax-ord'),
    provider('hp', { breaker: { phase: 'open', trouble: 'it is down', callsInSeconds: 9, launchesInSeconds: 0 } }),
  ];
  cli.api.nodeViews = [
    node(17),
    node(18, { state: 'building', step: 'ssh' }),
    node(9, { state: 'hold', reason: 'mine' }),
  ];
  cli.api.story = [
    { at: 0, kind: 'step', what: 'queued' },
    {
      at: 1_000,
      kind: 'call',
      what: 'ssh.login',
      subnode: null,
      waitedMs: 0,
      ms: 4_000,
      isOk: false,
      result: 'no route to host',
    },
    { at: 5_000, kind: 'state', what: 'delete' },
  ];
});

afterEach(async () => {
  cli.interrupt.abort();
  await cli.close();
});

describe('off a terminal', () => {
  it('top is shown once, and says so', async () => {
    await cli.serve();
    const { code, out, err } = await cli.ask('top');
    expect(code).toBe(0);
    expect(err).toContain('not a terminal, so this is shown once');
    expect(out).toBe(
      `
ready, 3 nodes, 3 jobs wait, launches take 45.0 s (99 %: 45.0 s)
building 1  test 0  ready 1  used 0  hold 1  delete 0

PROVIDER  SERVERS       LAUNCHES  DELETES  CALLS   PACE     STATE
rax-ord   4/8 (max 10)  1/40      0/40     2/8 +3  0.001 s  well
hp        4/8 (max 10)  1/40      0/40     2/8 +3  0.001 s  breaker open: it is down
`.trimStart(),
    );
  });

  it('top is data for machines', async () => {
    await cli.serve();
    const { out, err } = await cli.ask('top', '-o', 'json');
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({
      ready: true,
      counts: { building: 1, ready: 1, hold: 1 },
      providers: [{ name: 'rax-ord' }, { name: 'hp' }],
    });
  });
});

describe('on a terminal', () => {
  it('top shows all at a glance, sorts, filters, and tells the story of a node', async () => {
    await cli.serve();
    const screen = new Screen();
    cli.terminal = screen;
    const run = cli.ask('top');
    await screen.shows('hp        4/8 (max 10)  1/40      0/40     2/8 +3  0.001 s  breaker open: it is down');
    await screen.shows(/> 18 +building .* ssh\n +17 +ready .*\n +9 +hold .* mine\n/);
    screen.press('sssss');
    await screen.shows(/by id\)\n> 9 +hold/);
    screen.press('r');
    await screen.shows(/by id, reversed\)\n> 18 .*\n +17 .*\n +9 /);
    screen.press('/mine');
    await screen.shows('/mine▏');
    screen.press('\r');
    await screen.shows(/\(1, by id, reversed\) +\/mine\n> 9 /);
    screen.press('\r');
    await screen.shows(
      'actor /providers/rax-ord/nodes/9',
      /step +5\.0s +queued\n/,
      /call +4\.0s +ssh\.login failed: no route to host\n/,
    );
    screen.press('q');
    await screen.shows(/> 9 /);
    screen.press('q');
    expect(await run).toMatchObject({ code: 0, err: '' });
  });

  it('top takes keys that come before the last one was drawn', async () => {
    await cli.serve();
    const screen = new Screen();
    cli.terminal = screen;
    const run = cli.ask('top');
    await screen.shows('rax-ord');
    // One chunk each, and no turn of the loop between them for a screen to be drawn in.
    for (const keys of ['/mine', '\r', '\r', 'q', 'q']) screen.press(keys);
    expect(await run).toMatchObject({ code: 0, err: '' });
  });

  it('top goes on showing what it saw when the daemon falls silent, and says so', async () => {
    await cli.serve();
    const screen = new Screen();
    cli.terminal = screen;
    const run = cli.ask('top');
    await screen.shows('rax-ord');
    cli.api.providers = () => Promise.reject(new Error('broken'));
    await screen.shows('the daemon failed to answer');
    await screen.shows(/> 18 +building/);
    cli.interrupt.abort();
    expect((await run).code).toBe(0);
  });

  it('top without a daemon fails at once', async () => {
    cli.terminal = new Screen();
    expect(await cli.ask('top')).toMatchObject({ code: 5, out: '' });
  });
});

describe('the nodes of top', () => {
  const nodes = [
    node(10, { label: 'b' }),
    node(9, { label: 'a', state: 'used' }),
    node(8, { label: 'b', state: 'used' }),
  ];
  const ids = (filter: string, key: (typeof sortKeys)[number], isReversed = false): number[] =>
    nodesShown(nodes, filter, { key, isReversed }).map(({ id }) => id);

  it('are sorted, those that are alike by id, also in reverse', () => {
    expect(ids('', 'id')).toEqual([8, 9, 10]);
    expect(ids('', 'state')).toEqual([10, 8, 9]);
    expect(ids('', 'state', true)).toEqual([8, 9, 10]);
    expect(ids('', 'label')).toEqual([9, 8, 10]);
  });

  it('are those that have every word', () => {
    expect(ids('USED b', 'id')).toEqual([8]);
    expect(ids('nothing', 'id')).toEqual([]);
  });
});

it.each([
  { height: 30, providers: 2, rows: { providers: 2, nodes: 20 } },
  { height: 30, providers: 40, rows: { providers: 12, nodes: 9 } },
  { height: 15, providers: 40, rows: { providers: 3, nodes: 3 } },
  { height: 13, providers: 2, rows: { providers: 2, nodes: 3 } },
  { height: 12, providers: 1, rows: { providers: 1, nodes: 3 } },
  { height: 12, providers: 2, rows: { providers: 0, nodes: 6 } },
  { height: 10, providers: 2, rows: { providers: 0, nodes: 4 } },
  { height: 5, providers: 2, rows: { providers: 0, nodes: 1 } },
])('a screen of $height rows shows $rows.providers of $providers providers', ({ height, providers, rows }) => {
  expect(rowsWithin(height, providers)).toEqual(rows);
});

it('a demand of which nobody knows is not called zero', () => {
  const history = new History();
  history.noteStock(noNodes, new Map([['precise', 3]]), 0);
  history.noteStock(noNodes, null, 20_000);
  const seen = { readiness: { ready: false, dependencies: [] }, providers: [], nodes: [], history: history.view() };
  expect(summaryOf(seen)).toBe('not ready, 0 nodes, demand unknown');
});

it('what is in trouble is named', () => {
  const dependencies = ['config', 'store', 'pool', 'well'].map(name => ({
    name,
    ok: name === 'well',
    reason: null,
    ageSeconds: 1,
  }));
  const seen = { readiness: { ready: true, dependencies }, providers: [], nodes: [], history: new History().view() };
  expect(summaryOf(seen)).toBe('ready, trouble with config, store and 1 more, 0 nodes, demand unknown');
});

/** A terminal of 30 rows: what is on it, and keys. */
class Screen implements Terminal {
  readonly #out = new PassThrough();
  readonly #in = new PassThrough();
  readonly #frames: string[] = [];
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;

  constructor() {
    this.#out.on('data', (chunk: Buffer) => {
      const text = stripVTControlCharacters(chunk.toString());
      if (text.trim() !== '') this.#frames.push(text);
    });
    this.stdout = Object.assign(this.#out, { columns: 120, rows: 30, isTTY: true }) as unknown as NodeJS.WriteStream;
    const itself = (): NodeJS.ReadStream => this.stdin;
    const asTerminal = { isTTY: true, setRawMode: itself, ref: itself, unref: itself };
    this.stdin = Object.assign(this.#in, asTerminal) as unknown as NodeJS.ReadStream;
  }

  press(keys: string): void {
    this.#in.write(keys);
  }

  /** Waits until one frame has them all. */
  async shows(...wanted: (string | RegExp)[]): Promise<void> {
    const fits = (frame: string): boolean =>
      wanted.every(each => (typeof each === 'string' ? frame.includes(each) : each.test(frame)));
    try {
      await until(() => fits(this.#frames.at(-1) ?? '') || null);
    } catch (error) {
      throw new Error(`never seen: ${wanted.join(', ')}; last:\n${this.#frames.at(-1)}`, { cause: error });
    }
  }
}
