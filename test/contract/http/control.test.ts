import { link, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../src/domain/fault.js';
import { History } from '../../../src/domain/history.js';
import { noNodes } from '../../../src/domain/states.js';
import { ControlClient, DaemonUnreachable } from '../../../src/http/client.js';
import { keptMax } from '../../../src/http/event-stream.js';
import { serveControl, type ServeOptions } from '../../../src/http/serve.js';
import type { ControlServer, PoolEvent } from '../../../src/ports/control.js';
import { actor, FakeControl, image, node, provider } from './fake-control.js';

let folder: string;
let socket: string;
let api: FakeControl;
const logged: string[] = [];
const toClose: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'));
  socket = join(folder, 'run', 'nodepoold.sock');
  api = new FakeControl();
  logged.length = 0;
});

afterEach(async () => {
  for (const open of toClose.splice(0).reverse()) await open.close();
  await rm(folder, { recursive: true });
});

async function serve(options: Partial<ServeOptions> = {}): Promise<ControlServer> {
  const server = await serveControl({
    socket,
    http: null,
    writeToken: null,
    readToken: null,
    version: '1.2.3',
    log: line => logged.push(line),
    ...options,
  })(api);
  toClose.push(server);
  return server;
}

async function serveTcp(options: Partial<ServeOptions> = {}): Promise<string> {
  const { url } = await serve({ http: { host: '127.0.0.1', port: 0 }, ...options });
  if (url === null) throw new Error('no URL');
  return url;
}

function client(path = socket): ControlClient {
  const opened = new ControlClient(path);
  toClose.push(opened);
  return opened;
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function ask(
  url: string,
  options: { method?: 'GET' | 'POST' | 'DELETE'; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: unknown }> {
  const response = await request(url, { method: 'GET', ...options });
  const text = await response.body.text();
  const isJson = String(response.headers['content-type']).startsWith('application/');
  return { status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

it('the document of the API is served, with the views that the answers are', async () => {
  const url = await serveTcp();
  const { status, body } = await ask(`${url}/api/v1/openapi.json`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    openapi: '3.1.0',
    paths: { '/api/v1/nodes': { get: { responses: { 200: { content: { 'application/json': {} } } } } } },
    components: { schemas: { Node: { required: Object.keys(node(1)) } } },
  });
});

describe('the socket', () => {
  it('is made with its folder, for the owner and the group alone', async () => {
    await serve();
    expect((await stat(socket)).mode & 0o777).toBe(0o660);
  });

  it('is gone after the close', async () => {
    const server = await serve();
    await server.close();
    toClose.length = 0;
    await expect(stat(socket)).rejects.toThrow('ENOENT');
  });

  it('of a live daemon is refused', async () => {
    await serve();
    await expect(serve()).rejects.toThrow(`a daemon is listening on ${socket} already`);
    expect((await client().health()).version).toBe('1.2.3');
  });

  it('left by a dead daemon is replaced', async () => {
    const first = await serve();
    const dead = join(folder, 'dead.sock');
    await leaveSocketBehind(dead);
    await serve({ socket: dead });
    expect(first.socket).toBe(socket);
    expect((await client(dead).health()).version).toBe('1.2.3');
  });

  it('never replaces a file that is no socket', async () => {
    const file = join(folder, 'notes');
    await writeFile(file, 'precious');
    await expect(serve({ socket: file })).rejects.toThrow('exists and is not a socket');
  });

  it('with a path that does not fit is refused by name', async () => {
    const long = join(folder, 'x'.repeat(120));
    await expect(serve({ socket: long })).rejects.toThrow('longer than 107 bytes');
  });

  it('gets no second listener when TCP is not on loopback', async () => {
    await expect(serve({ http: { host: '0.0.0.0', port: 0 } })).rejects.toThrow('must be on loopback');
  });

  it('is given back when the TCP port is taken', async () => {
    const url = await serveTcp();
    const other = join(folder, 'other.sock');
    const http = { host: '127.0.0.1', port: Number(new URL(url).port) };
    await expect(serve({ socket: other, http })).rejects.toThrow('EADDRINUSE');
    await expect(stat(other)).rejects.toThrow('ENOENT');
  });
});

describe('the client', () => {
  it('gets the views as they are', async () => {
    api.nodeViews = [node(1), node(2, { state: 'hold', reason: 'looking' })];
    api.imageViews = [image(3)];
    api.root = actor('/', { children: [actor('/pool')] });
    await serve();
    const daemon = client();
    expect(await daemon.nodes()).toEqual(api.nodeViews);
    expect(await daemon.images()).toEqual(api.imageViews);
    expect(await daemon.tree('/')).toEqual(api.root);
    expect(await daemon.tree('/pool')).toEqual(actor('/pool'));
    expect(await daemon.metrics()).toContain('nodepool_nodes 3');
  });

  it('gets providers, history and the story of a node as they are', async () => {
    const history = new History();
    history.noteStock(noNodes, null, 1_000);
    api.historyView = history.view();
    api.providerViews = [provider('rax-ord')];
    api.nodeViews = [node(1)];
    api.story = [{ at: 5, kind: 'state', what: 'ready' }];
    await serve();
    const daemon = client();
    expect(await daemon.providers()).toEqual(api.providerViews);
    expect(await daemon.history(null)).toEqual(api.historyView);
    expect(await daemon.history(900)).toEqual(api.historyView);
    expect(api.calls).toEqual([
      ['history', null],
      ['history', 900],
    ]);
    expect(await daemon.node(1)).toMatchObject({ node: node(1), story: api.story });
    expect(await daemon.node(2)).toBeNull();
  });

  it('gets aliens of all providers or of one, and null for one that nobody knows', async () => {
    await serve();
    const daemon = client();
    expect(await daemon.alienServers('gamma & delta')).toBeNull();
    api.alienServerViews = { aliens: [], troubles: [{ provider: 'hp', reason: 'away', next: 'wait' }] };
    api.alienImageViews = { aliens: [], troubles: [] };
    expect(await daemon.alienServers(null)).toEqual(api.alienServerViews);
    expect(await daemon.alienImages('rax')).toEqual(api.alienImageViews);
    expect(api.calls).toEqual([
      ['alienServers', 'gamma & delta'],
      ['alienServers', null],
      ['alienImages', 'rax'],
    ]);
  });

  it('gets nodes page by page, each with the way to the next one', async () => {
    api.nodeViews = [node(1), node(2), node(7)];
    const url = await serveTcp();
    expect(await client().nodes({ limit: 2 })).toEqual([node(1), node(2)]);
    expect(await client().nodes({ after: 2, limit: 2 })).toEqual([node(7)]);
    const link = async (query: string): Promise<unknown> => (await ask(`${url}/api/v1/nodes${query}`)).headers['link'];
    expect(await link('?limit=2')).toBe('</api/v1/nodes?after=2&limit=2>; rel="next"');
    expect(await link('?after=7&limit=2')).toBeUndefined();
    expect(await link('')).toBeUndefined();
    expect((await ask(`${url}/api/v1/nodes?limit=0`)).status).toBe(400);
  });

  it('gets null for a path that no actor has', async () => {
    await serve();
    expect(await client().tree('/providers/nowhere')).toBeNull();
  });

  it('gets the readiness of a daemon that is not ready', async () => {
    api.ready = { ready: false, dependencies: [{ name: '/store', ok: false, reason: 'away', ageSeconds: 2 }] };
    await serve();
    expect(await client().readiness()).toEqual(api.ready);
  });

  it('explains one thing at a time, whatever it is called', async () => {
    await serve();
    expect(await client().explain({ label: 'a&b=c', since: 7 })).toBeNull();
    expect(api.calls).toEqual([['explain', { label: 'a&b=c', since: 7 }]]);
    await expect(client().explain({ label: 'a', node: 3 })).rejects.toMatchObject({ status: 400 });
  });

  it('gives the demand of a plan through, whatever the label is called', async () => {
    await serve();
    await client().plan({ 'a=b&c': 2, precise: 0 }, null);
    expect(api.calls).toEqual([['plan', { 'a=b&c': 2, precise: 0 }]]);
  });

  it('asks about another file by its full name, and over TCP with the write token alone', async () => {
    const url = await serveTcp({ writeToken: 'w' });
    await client().plan({ precise: 1 }, '/etc/next.yaml');
    expect(api.calls).toEqual([['plan', { precise: 1 }, '/etc/next.yaml']]);
    await expect(client().plan({}, 'next.yaml')).rejects.toMatchObject({ status: 400 });
    const body = JSON.stringify({ file: '/etc/next.yaml' });
    const headers = { 'content-type': 'application/json' };
    expect((await ask(`${url}/api/v1/plan`, { method: 'POST', headers, body })).status).toBe(401);
  });

  it('gives commands through and gets each outcome back', async () => {
    await serve();
    const daemon = client();
    api.outcome = { kind: 'done', node: node(7, { state: 'hold' }) };
    expect(await daemon.hold(7, { reason: 'looking', forMs: 60_000 })).toEqual(api.outcome);
    api.outcome = { kind: 'not-found', message: 'no node 8', next: 'nodepool list' };
    expect(await daemon.release(8)).toEqual(api.outcome);
    api.outcome = { kind: 'refused', message: 'it is being deleted', next: 'wait' };
    expect(await daemon.delete(9, { now: true })).toEqual(api.outcome);
    api.outcome = { kind: 'failed', message: 'the row was not written' };
    expect(await daemon.restart('/pool')).toEqual(api.outcome);
    expect(await daemon.tune('rax/dfw', { key: 'rate', value: 0.5 })).toEqual(api.outcome);
    expect(api.calls).toEqual([
      ['hold', 7, { reason: 'looking', forMs: 60_000 }],
      ['release', 8],
      ['delete', 9, { now: true }],
      ['restart', '/pool'],
      ['tune', 'rax/dfw', { key: 'rate', value: 0.5 }],
    ]);
  });

  it('gives jobs through and gets each outcome back', async () => {
    await serve();
    const daemon = client();
    api.jobViews = [{ id: 3, name: 'gate', holdOnFailure: 2 }];
    expect(await daemon.jobs()).toEqual(api.jobViews);
    const job = { name: 'a/b c', holdOnFailure: 1 };
    expect(await daemon.createJob(job)).toEqual({ kind: 'done', job: { id: 3, ...job } });
    for (const kind of ['not-found', 'refused', 'failed'] as const) {
      api.jobOutcome = kind === 'failed' ? { kind, message: 'no' } : { kind, message: 'no', next: 'look' };
      expect(await daemon.deleteJob(3)).toEqual(api.jobOutcome);
    }
  });

  it('gets every outcome of a reload back', async () => {
    await serve();
    const outcomes = [
      { kind: 'done', changes: ['dburi changed'], problems: ['n.yaml:3:1: warning: x'] },
      { kind: 'refused', problems: ['n.yaml:1:1: the file is empty'] },
      { kind: 'failed', message: 'the configuration is not read' },
    ] as const;
    for (const outcome of outcomes) {
      api.reloaded = outcome;
      expect(await client().reload()).toEqual(outcome);
    }
  });

  it('gets a fault of the daemon with what to do next', async () => {
    api.fault = new Fault('store.away', 'the database is away');
    await serve();
    await expect(client().nodes()).rejects.toMatchObject({
      message: 'the database is away',
      status: 503,
      next: 'check dburi and that the database server runs',
    });
  });

  it('tells a missing daemon from an error', async () => {
    await expect(client().nodes()).rejects.toThrow(DaemonUnreachable);
    await expect(client().nodes()).rejects.toThrow('there is no socket at');
    const dead = join(folder, 'dead.sock');
    await leaveSocketBehind(dead);
    await expect(client(dead).nodes()).rejects.toThrow('no daemon listens on');
  });

  it('two at a time get their own answers', async () => {
    api.nodeViews = [node(1)];
    await serve();
    const answers = await Promise.all([client().nodes(), client().tree('/')]);
    expect(answers).toEqual([api.nodeViews, api.root]);
  });
});

describe('the event stream', () => {
  const first: PoolEvent = { at: 1, type: 'node.ready', message: 'node 1 is ready', node: 1 };
  const second: PoolEvent = { at: 2, type: 'node.used', message: 'line one\nline two', node: 1 };

  it('brings every event to every reader', async () => {
    const url = await serveTcp();
    const readers = await Promise.all([openStream(url), openStream(url)]);
    api.emit(first);
    api.emit(second);
    for (const reader of readers) {
      const [one, two] = await reader.take(2);
      expect(one).toMatchObject({ event: 'node.ready', data: first });
      expect(two).toMatchObject({ event: 'node.used', data: second });
      expect(Number(two?.id)).toBe(Number(one?.id) + 1);
    }
  });

  it('brings what a reader that comes back has missed', async () => {
    const url = await serveTcp();
    const reader = await openStream(url);
    api.emit(first);
    const [seen] = await reader.take(1);
    reader.close();
    api.emit(second);
    const again = await openStream(url, { 'last-event-id': String(seen?.id) });
    expect(await again.take(1)).toMatchObject([{ data: second }]);
  });

  it('brings as many of the last events as a new reader asks for', async () => {
    const url = await serveTcp();
    api.emit(first);
    api.emit(second);
    const reader = await openStream(url, {}, '?last=1');
    expect(await reader.take(1)).toMatchObject([{ data: second }]);
    expect((await ask(`${url}/api/v1/events?last=-1`)).status).toBe(400);
  });

  it('says so when what a reader has missed is not kept any more, and goes on from there', async () => {
    const url = await serveTcp();
    const reader = await openStream(url);
    api.emit(first);
    const [seen] = await reader.take(1);
    reader.close();
    for (let n = 0; n <= keptMax; n += 1) api.emit({ ...second, node: n });
    const again = await openStream(url, { 'last-event-id': String(seen?.id) });
    const [gap, next] = await again.take(2);
    expect(gap).toMatchObject({ event: 'stream.gap', data: { type: 'stream.gap' } });
    expect(next).toMatchObject({ data: { ...second, node: 1 } });
    expect(Number(next?.id)).toBe(Number(gap?.id) + 1);
    const third = await openStream(url, { 'last-event-id': String(gap?.id) });
    expect(await third.take(1)).toEqual([next]);
  });

  it('tells a reader of another life of the daemon that there is a gap', async () => {
    const url = await serveTcp();
    api.emit(first);
    const reader = await openStream(url, { 'last-event-id': '17' });
    expect(await reader.take(2)).toMatchObject([{ event: 'stream.gap' }, { data: first }]);
  });

  it('ends when the client stops following', async () => {
    await serve();
    const stop = new AbortController();
    const seen: PoolEvent[] = [];
    const daemon = client();
    const following = (async () => {
      for await (const event of daemon.events(stop.signal)) {
        seen.push(event);
        stop.abort();
      }
    })();
    await until(() => {
      api.emit(first);
      return seen.length > 0;
    });
    await following;
    expect(seen).toEqual([first]);
  });

  it('goes on where it was when the daemon comes back, and says where it has a gap', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    let server = await serve();
    const following = (async () => {
      const again = async (): Promise<boolean> => {
        server = await serve();
        api.emit(second);
        return true;
      };
      for await (const event of client().resumedEvents(stop.signal, again)) seen.push(event.type);
    })();
    await until(() => {
      if (seen.length === 0) api.emit(first);
      return seen.includes(first.type);
    });
    await server.close();
    await until(() => seen.includes(second.type));
    stop.abort();
    await following;
    expect(seen.slice(-2)).toEqual(['stream.gap', second.type]);
  });

  it('tells a daemon that does not answer at first at once, and gives up when it is told to', async () => {
    const { signal } = new AbortController();
    let seen = 0;
    const read = async (): Promise<void> => {
      for await (const event of client().resumedEvents(signal, async () => false)) seen += event.at >= 0 ? 1 : 0;
    };
    await expect(read()).rejects.toThrow(DaemonUnreachable);
    const server = await serve();
    const reading = read();
    await until(() => {
      api.emit(first);
      return seen > 0;
    });
    await server.close();
    await reading;
  });

  it('gives its subscription back when the server closes, and ends its readers', async () => {
    const server = await serve({ http: { host: '127.0.0.1', port: 0 } });
    const reader = await openStream(String(server.url));
    expect(api.listeners).toBe(1);
    await server.close();
    toClose.length = 0;
    expect(await reader.take(1)).toEqual([]);
    expect(api.listeners).toBe(0);
  });

  it('drops a reader that does not read, and keeps the others', async () => {
    const url = await serveTcp();
    const slow = await request(`${url}/api/v1/events`);
    slow.body.on('error', () => undefined);
    const quick = await openStream(url);
    const big: PoolEvent = { ...first, message: 'x'.repeat(64 * 1024) };
    for (let sent = 0; sent < 200; sent += 1) {
      api.emit(big);
      await quick.take(1);
    }
    await expect(slow.body.text()).rejects.toThrow();
  });
});

describe('over TCP', () => {
  it('everybody on this machine reads when no read token is set', async () => {
    const url = await serveTcp();
    expect((await ask(`${url}/api/v1/nodes`)).status).toBe(200);
    expect((await ask(`${url}/metrics`)).headers['content-type']).toContain('text/plain');
  });

  it('changes are refused without a write token', async () => {
    const url = await serveTcp();
    const answer = await ask(`${url}/api/v1/nodes/1`, { method: 'DELETE' });
    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'changes are only accepted on the Unix socket',
      next: 'set control.write-token-file to allow them over TCP',
    });
    expect(api.calls).toEqual([]);
  });

  it('changes need the write token as bearer, not as a password', async () => {
    const url = await serveTcp({ writeToken: 'w', readToken: 'r' });
    const change = async (headers: Record<string, string>): Promise<number> =>
      (await ask(`${url}/api/v1/nodes/1/release`, { method: 'POST', headers })).status;
    expect(await change({})).toBe(401);
    expect(await change(bearer('r'))).toBe(403);
    expect(await change({ authorization: `Basic ${btoa('x:w')}` })).toBe(401);
    expect(api.calls).toEqual([]);
    expect(await change(bearer('w'))).toBe(200);
    expect(api.calls).toEqual([['release', 1]]);
  });

  it('reading needs the read token if one is set', async () => {
    const url = await serveTcp({ writeToken: 'w', readToken: 'r' });
    const read = async (headers: Record<string, string>): Promise<number> =>
      (await ask(`${url}/api/v1/nodes`, { headers })).status;
    expect(await read({})).toBe(401);
    expect(await read(bearer('wrong'))).toBe(403);
    expect(await read(bearer('r'))).toBe(200);
    expect(await read(bearer('w'))).toBe(200);
    expect(await read({ authorization: `Basic ${btoa('anybody:r')}` })).toBe(200);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    expect((await ask(`${url}/readyz`)).status).toBe(401);
  });

  it('every change leaves a line, done or refused, with where it came from', async () => {
    const url = await serveTcp({ writeToken: 'w' });
    logged.length = 0;
    await client().release(1);
    await ask(`${url}/api/v1/nodes/2/release`, { method: 'POST', headers: bearer('guess') });
    await ask(`${url}/api/v1/nodes/3?now=1`, { method: 'DELETE', headers: bearer('w') });
    await ask(`${url}/api/v1/nodes`);
    await expect
      .poll(() => logged)
      .toEqual([
        'POST /api/v1/nodes/1/release from the socket: 200',
        'POST /api/v1/nodes/2/release from 127.0.0.1: 403',
        'DELETE /api/v1/nodes/3?now=1 from 127.0.0.1: 200',
      ]);
  });

  it('a client gone wild is told to wait, and the socket is served all the same', async () => {
    let now = 0;
    const url = await serveTcp({ now: () => now });
    const statusOf = async (): Promise<number> => (await ask(`${url}/api/v1/nodes`)).status;
    for (let n = 0; n < 200; n++) expect(await statusOf()).toBe(200);
    expect(await statusOf()).toBe(429);
    expect(await client().nodes()).toEqual([]);
    now += 20;
    expect(await statusOf()).toBe(200);
    expect(await statusOf()).toBe(429);
  });

  it('a foreign host name is refused', async () => {
    const url = await serveTcp();
    const { port } = new URL(url);
    const read = async (host: string): Promise<number> =>
      (await ask(`${url}/api/v1/nodes`, { headers: { host } })).status;
    expect(await read(`evil.example.org:${port}`)).toBe(403);
    expect(await read('127.0.0.1.example.org')).toBe(403);
    expect(await read(`localhost:${port}`)).toBe(200);
    expect(await read(`[::1]:${port}`)).toBe(200);
  });

  it('a bad request is refused in JSON', async () => {
    const url = await serveTcp({ writeToken: 'w' });
    const post = async (path: string, body: string): Promise<{ status: number; body: unknown }> =>
      ask(`${url}${path}`, {
        method: 'POST',
        body,
        headers: { ...bearer('w'), 'content-type': 'application/json' },
      });
    expect((await post('/api/v1/nodes/zero/hold', '{}')).status).toBe(400);
    expect((await post('/api/v1/nodes/1/hold', '{"forMs": -1}')).status).toBe(400);
    expect((await post('/api/v1/nodes/1/hold', '{"why": "?"}')).status).toBe(400);
    expect((await post('/api/v1/nodes/1/hold', '{')).status).toBe(400);
    expect((await post('/api/v1/restart', '{}')).status).toBe(400);
    expect((await post('/api/v1/restart', `{"path": "${'x'.repeat(70_000)}"}`)).status).toBe(413);
    expect((await ask(`${url}/api/v1/plan?demand=precise`)).status).toBe(400);
    expect(await ask(`${url}/nowhere`)).toMatchObject({
      status: 404,
      body: {
        title: 'Not Found',
        status: 404,
        detail: 'nothing is at GET /nowhere',
        next: 'GET /api/v1/openapi.json tells what there is',
      },
    });
    expect(api.calls).toEqual([]);
  });

  it('a failure inside is logged and not shown', async () => {
    api.nodes = async () => Promise.reject(new TypeError('secret detail'));
    const url = await serveTcp();
    const answer = await ask(`${url}/api/v1/nodes`);
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(logged.join('\n')).toContain('secret detail');
  });

  it('the live page is served with what belongs to it, and lets nothing foreign in', async () => {
    const page = join(folder, 'page');
    await mkdir(join(page, 'assets'), { recursive: true });
    await writeFile(join(page, 'index.html'), '<!doctype html>');
    await writeFile(join(page, 'assets', 'index-1a.js'), 'start()');
    const url = await serveTcp({ page });
    const { status, headers, body } = await ask(`${url}/`);
    expect(status).toBe(200);
    expect(body).toBe('<!doctype html>');
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(headers['content-type']).toContain('text/html');
    expect(headers['cache-control']).toBe('no-cache');
    const script = await ask(`${url}/assets/index-1a.js`);
    expect(script).toMatchObject({ status: 200, body: 'start()' });
    expect(script.headers['content-type']).toContain('text/javascript');
    expect(script.headers['cache-control']).toContain('immutable');
    expect((await ask(`${url}/assets/`)).status).toBe(404);
    expect((await ask(`${url}/assets/..%2f..%2fdead.sock`)).status).toBe(404);
  });

  it('a live page that has not been built says so', async () => {
    const url = await serveTcp({ page: join(folder, 'nowhere') });
    expect(await ask(`${url}/`)).toMatchObject({ status: 503, body: { next: 'npm run build' } });
  });
});

interface Frame {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: unknown;
}

/** A reader of the raw stream, connected when this resolves. */
async function openStream(
  url: string,
  headers: Record<string, string> = {},
  query = '',
): Promise<{ take(count: number): Promise<Frame[]>; close(): void }> {
  const response = await request(`${url}/api/v1/events${query}`, { headers });
  const chunks = response.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let text = '';
  const frames: Frame[] = [];
  return {
    close: () => void response.body.destroy(),
    async take(count) {
      while (frames.length < count) {
        const next = await chunks.next();
        if (next.done === true) break;
        const parts = (text + next.value.toString()).split('\n\n');
        text = parts.pop() ?? '';
        frames.push(...parts.filter(part => !part.startsWith(':')).map(toFrame));
      }
      return frames.splice(0, count);
    },
  };
}

function toFrame(text: string): Frame {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
  return { id: field('id'), event: field('event'), data: JSON.parse(field('data') ?? 'null') };
}

/** What a killed daemon leaves: a socket file that nobody listens on. */
async function leaveSocketBehind(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(`${path}.alive`, resolve));
  // Closing unlinks the name that the server knows; the second name stays.
  await link(`${path}.alive`, path);
  await new Promise(resolve => server.close(resolve));
}

/** Tries again at each turn of the event loop. */
async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise(resolve => setImmediate(resolve));
}
