import { afterEach, describe, expect, it } from 'vitest';

import { WorkerPool } from '../../src/adapters/workers/pool.js';
import { openWorkerCloud, openWorkerShell, WorkerPools } from '../../src/adapters/workers/workers.js';
import { serverId } from '../../src/domain/ids.js';
import type { Provider } from '../../src/domain/pool-config.js';
import { startWorld } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import { accessTo, type Login } from './cloud-access.js';
import { ok, sendJson, silent, startPeer } from './cloud-peer.js';
import { cloudContract, cloudQuotaContract, rejectsWith } from './cloud.suite.js';

const call = { deadlineMs: 10_000 };
const LIST = 'GET /v2.1/servers/detail';

/** What the worker client reads of a provider; the rest of it stays in the daemon. */
function providerOf(access: ReturnType<typeof accessTo>, workers = 1): Provider {
  const concurrency = { workers, calls: 8, launches: 40, deletes: 40, imageBuilds: 2 };
  return { ...access, concurrency } as unknown as Provider;
}

describe('OpenStack in worker threads', () => {
  const open = async () => {
    const world = await startWorld({ clouds: [{ name: 'c1', images: ['img'], pageSize: 2 }], masters: [] });
    const cloud = world.clouds.get('c1');
    if (cloud === undefined) throw new Error('no cloud c1');
    const { authUrl, username, password, projectName, region } = cloud;
    const login: Login = { authUrl, username, password, projectName, region };
    const pools = new WorkerPools();
    return {
      cloud: openWorkerCloud(providerOf(accessTo(login)), pools),
      image: 'img',
      zone: 'nova',
      hasNetworkService: true,
      hasImageService: true,
      until,
      limitServers(count: number) {
        cloud.settings.maxServers = count;
      },
      async close() {
        await pools.close();
        await world.close();
      },
    };
  };
  cloudContract(open);
  cloudQuotaContract(open);

  it('warns of no leak while many calls wait', async () => {
    const peer = await startPeer();
    const pools = new WorkerPools();
    const cloud = openWorkerCloud(providerOf(peer.access()), pools);
    peer.on(LIST, ok);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    await Promise.all(Array.from({ length: 20 }, () => cloud.listServers(call)));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    await pools.close();
    await peer.close();
  });

  it('starts no thread before the first call, and shares a session and its connections between calls', async () => {
    const peer = await startPeer();
    const pools = new WorkerPools();
    const cloud = openWorkerCloud(providerOf(peer.access()), pools);
    expect(pools.of('alpha').threadCount).toBe(0);
    peer.on(LIST, ok);
    await Promise.all([1, 2, 3, 4].map(() => cloud.listServers(call)));
    expect(pools.of('alpha').threadCount).toBe(1);
    expect(peer.countOf('POST /v3/auth/tokens')).toBe(1);
    await pools.close();
    await peer.close();
  });

  it('keeps what the cloud asked to wait, across the threads', async () => {
    const peer = await startPeer();
    const pools = new WorkerPools();
    const cloud = openWorkerCloud(providerOf(peer.access()), pools);
    peer.on(LIST, sendJson(429, { overLimit: { message: 'slow down' } }, { 'retry-after': '7' }));
    const fault = await rejectsWith(cloud.listServers(call), 'cloud.rate-limited');
    expect(fault).toMatchObject({ retryAfterMs: 7000, retry: 'later' });
    expect(fault.message).toContain('slow down');
    await pools.close();
    await peer.close();
  });

  it('overlaps calls on one thread, and calls one of them off without harm to the other', async () => {
    const peer = await startPeer();
    const pools = new WorkerPools();
    const cloud = openWorkerCloud(providerOf(peer.access()), pools);
    let answer = (): void => undefined;
    peer.on(LIST, silent);
    peer.on('GET /v2.1/flavors/detail', (request, response, body) => {
      answer = () => sendJson(200, { flavors: [] })(request, response, body);
    });
    const abort = new AbortController();
    const list = rejectsWith(cloud.listServers({ ...call, signal: abort.signal }), 'cloud.timeout');
    const flavors = cloud.listFlavors(call);
    await until(() => peer.countOf(LIST) === 1 && peer.countOf('GET /v2.1/flavors/detail') === 1);
    abort.abort();
    await list;
    answer();
    expect(await flavors).toEqual([]);
    expect(pools.of('alpha').threadCount).toBe(1);
    await pools.close();
    await peer.close();
  });

  it('goes on with calls in hand while the number of threads changes', async () => {
    const peer = await startPeer();
    const pools = new WorkerPools();
    const cloud = openWorkerCloud(providerOf(peer.access()), pools);
    let answer = (): void => undefined;
    peer.on('GET /v2.1/flavors/detail', (request, response, body) => {
      answer = () => sendJson(200, { flavors: [] })(request, response, body);
    });
    peer.on(LIST, ok);
    const flavors = cloud.listFlavors(call);
    await until(() => peer.countOf('GET /v2.1/flavors/detail') === 1);
    pools.resize('alpha', { workers: 2 });
    await cloud.listServers(call);
    expect(pools.of('alpha').threadCount).toBe(2);
    answer();
    expect(await flavors).toEqual([]);
    await pools.close();
    await peer.close();
  });

  it('closes after the calls in hand', async () => {
    const peer = await startPeer();
    const pools = new WorkerPools();
    const cloud = openWorkerCloud(providerOf(peer.access()), pools);
    let answer = (): void => undefined;
    peer.on(LIST, (request, response, body) => {
      answer = () => ok(request, response, body);
    });
    const list = cloud.listServers(call);
    await until(() => peer.countOf(LIST) === 1);
    const closed = Promise.all([cloud.close(), pools.close()]);
    answer();
    expect(await list).toEqual([]);
    await closed;
    await peer.close();
  });

  it('checks a machine over SSH in the same threads', async () => {
    // A thread that starts takes its time, on a busy machine seconds; the refusals of the port are what is told.
    const world = await startWorld({ clouds: [], masters: [] });
    const pools = new WorkerPools();
    const shell = openWorkerShell('alpha', pools);
    const login = { host: '127.0.0.1', port: 1, username: 'jenkins', privateKeyFile: world.ssh.privateKeyFile };
    await rejectsWith(shell.check({ ...login, hostKey: null }, { deadlineMs: 3_000 }), 'ssh.unreachable');
    const waiting = rejectsWith(shell.check({ ...login, hostKey: null }, { deadlineMs: 600_000 }), 'ssh.timeout');
    await shell.close();
    await waiting;
    await pools.close();
    await world.close();
  });
});

describe('a worker thread', () => {
  const entry = new URL('./cloud-dying-worker.mjs', import.meta.url);
  const lost = { ended: 'cloud.error', silent: 'cloud.timeout' } as const;
  let pool: WorkerPool;
  const ask = (id: string, signal?: AbortSignal): Promise<unknown> => {
    const terms = { ...call, lost, ...(signal === undefined ? {} : { signal }) };
    return pool.run<'getServer'>({ op: 'getServer', access: accessTo(nobody), args: [serverId(id)] }, terms);
  };
  const nobody: Login = { authUrl: 'http://127.0.0.1:1/v3', username: 'u', password: 'p', projectName: 'p' };

  afterEach(async () => {
    await pool.close();
  });

  it.each([
    ['exits', 'exit', 'code: 7'],
    ['runs out of memory', 'memory', 'memory'],
  ])('that %s fails its calls, and another takes its place', async (_what, order, words) => {
    pool = new WorkerPool({ threads: 1, entry });
    const neighbour = rejectsWith(ask('wait'), 'cloud.error');
    const fault = await rejectsWith(ask(order), 'cloud.error');
    expect(fault.message).toContain('the worker thread ended');
    expect(fault.message).toContain(words);
    await neighbour;
    expect(await ask('fine')).toBeNull();
  });

  it('that meets a bug fails that call alone', async () => {
    pool = new WorkerPool({ threads: 1, entry });
    const neighbour = ask('wait');
    const fault = await rejectsWith(ask('bug'), 'cloud.error');
    expect(fault.message).toContain('x is not a function');
    expect(await neighbour).toBe('waited');
  });

  it('that cannot start fails its calls, and a later one too', async () => {
    pool = new WorkerPool({ threads: 1, entry: new URL('./no-such-worker.js', import.meta.url) });
    await rejectsWith(ask('fine'), 'cloud.error');
    await rejectsWith(ask('fine'), 'cloud.error');
  });

  it('hears an abort while it works', async () => {
    pool = new WorkerPool({ threads: 1, entry });
    const abort = new AbortController();
    const heard = ask('abort', abort.signal);
    abort.abort();
    expect(await heard).toBe('heard');
  });

  it('ends when nothing was asked for a while', async () => {
    pool = new WorkerPool({ threads: 2, entry, idleMs: 0 });
    await ask('fine');
    await until(() => pool.threadCount === 0);
    expect(await ask('fine')).toBeNull();
  });
});
