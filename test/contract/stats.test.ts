import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { combineStats } from '../../src/adapters/metrics/combine.js';
import { MetricsRegistry } from '../../src/adapters/metrics/registry.js';
import { openStats } from '../../src/adapters/metrics/statsd.js';
import type { StatsPort } from '../../src/ports/stats.js';
import { FakeStats } from '../support/fake-stats.js';
import { freePort } from '../support/ports.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { until } from '../support/until.js';

interface StatsHarness {
  readonly stats: StatsPort;
  /** What arrived, by key. */
  read(kind: 'counts' | 'timings' | 'gauges', key: string): Promise<unknown>;
}

let directory: string;
let statsd: ServerProcess;
const ports = { udp: 0, admin: 0 };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodepool-statsd-'));
  Object.assign(ports, { udp: await freePort(), admin: await freePort() });
  const config = join(directory, 'config.js');
  // Counters and timers are emptied at each flush, so that there must be none.
  const lines = `port: ${ports.udp}, address: '127.0.0.1', mgmt_port: ${ports.admin}, mgmt_address: '127.0.0.1'`;
  await writeFile(config, `{ ${lines}, flushInterval: 600000, backends: [] }`);
  statsd = await startServer({
    program: process.execPath,
    flags: [createRequire(import.meta.url).resolve('statsd/stats.js'), config],
    isReady: () =>
      admin('health').then(
        answer => answer.includes('up'),
        () => false,
      ),
  });
});
afterAll(async () => {
  await statsd.stop();
  await rm(directory, { recursive: true });
});

async function admin(command: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: ports.admin });
  try {
    await once(socket, 'connect');
    socket.write(`${command}\n`);
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.includes('END') || command === 'health') break;
    }
    return text;
  } finally {
    socket.destroy();
  }
}

const tables = { counts: 'counters', timings: 'timers', gauges: 'gauges' } as const;

const harnesses: Record<string, () => Promise<StatsHarness>> = {
  async 'the fake'() {
    const stats = new FakeStats();
    return { stats, read: async (kind, key) => stats[kind].get(key) };
  },
  async 'the statsd daemon'() {
    return {
      stats: openStats({ host: '127.0.0.1', port: ports.udp, prefix: '' }),
      async read(kind, key) {
        // The answer is a JavaScript object, not JSON.
        const table: unknown = runInNewContext(`(${(await admin(tables[kind])).replace(/END\s*$/, '')})`);
        return (table as Record<string, unknown>)[key];
      },
    };
  },
  async 'the registry'() {
    const stats = new MetricsRegistry();
    const names = {
      counts: 'nodepool_events_total',
      timings: 'nodepool_duration_seconds_sum',
      gauges: 'nodepool_state',
    };
    return {
      stats,
      async read(kind, key) {
        const start = `${names[kind]}{key="${key}"} `;
        const line = (await stats.text()).split('\n').find(each => each.startsWith(start));
        const value = line === undefined ? undefined : Number(line.slice(start.length));
        return kind === 'timings' && value !== undefined ? [value * 1000] : value;
      },
    };
  },
};

describe.each(Object.entries(harnesses))('statistics: %s', (_, start) => {
  let harness: StatsHarness;
  beforeAll(async () => {
    harness = await start();
  });

  it('adds counts up', async () => {
    harness.stats.count('nodepool.launch.ready');
    harness.stats.count('nodepool.launch.ready', 2);
    await until(async () => (await harness.read('counts', 'nodepool.launch.ready')) === 3);
  });

  it('keeps a timing in milliseconds, and the key both have', async () => {
    harness.stats.timing('nodepool.launch.ready', 1500);
    await until(async () => (await harness.read('timings', 'nodepool.launch.ready')) !== undefined);
    expect(await harness.read('timings', 'nodepool.launch.ready')).toEqual([1500]);
  });

  it('keeps the last value of a gauge, zero and less too', async () => {
    for (const value of [5, 0, 7, -3]) {
      harness.stats.gauge('nodepool.provider.rax.max_servers', value);
      await until(async () => (await harness.read('gauges', 'nodepool.provider.rax.max_servers')) === value);
    }
  });

  it('bears keys of any kind and numbers that are none, and measures after close go nowhere', async () => {
    for (const key of ['', 'a b', 'a/b', 'ünï', 'x'.repeat(2000)]) harness.stats.count(key);
    harness.stats.count('nodepool.zero', 0);
    harness.stats.timing('nodepool.timing', 0);
    await harness.stats.close();
    harness.stats.count('nodepool.late');
    harness.stats.timing('nodepool.late', 1);
    harness.stats.gauge('nodepool.late', 1);
    await harness.stats.close();
  });
});

describe('statsd packets', () => {
  async function received(prefix: string, measure: (stats: StatsPort) => void): Promise<string[]> {
    const server = createSocket('udp4').bind(0, '127.0.0.1');
    await once(server, 'listening');
    const packets: string[] = [];
    server.on('message', packet => packets.push(packet.toString()));
    // A name would be looked up for each packet, and the last answer may come first.
    const stats = openStats({ host: '127.0.0.1', port: server.address().port, prefix });
    measure(stats);
    stats.count('end');
    await stats.close();
    await until(() => packets.some(packet => packet.endsWith('end:1|c')));
    server.close();
    return packets.filter(packet => !packet.endsWith('end:1|c'));
  }

  it('have the prefix, and the key as it is but for what would end it', async () => {
    const packets = await received('ci', stats => {
      stats.timing('nodepool.job.gate/x y.runtime', 1500);
      stats.count('nodepool.job.a:b|c\nd.builds', 2);
      stats.count('nodepool.none', 0);
      stats.gauge('nodepool.nan', NaN);
    });
    expect(packets).toEqual(['ci.nodepool.job.gate/x y.runtime:1500|ms', 'ci.nodepool.job.a_b_c_d.builds:2|c']);
    expect(await received('', stats => stats.gauge('a.b', 1))).toEqual(['a.b:1|g']);
    expect(await received('ci.', stats => stats.gauge('a.b', 1))).toEqual(['ci.a.b:1|g']);
  });

  it('are lost where the host does not resolve or nobody listens, and nothing else happens', async () => {
    for (const host of ['no.such.host.invalid', '127.0.0.1']) {
      const stats = openStats({ host, port: await freePort(), prefix: '' });
      for (let index = 0; index < 10; index += 1) stats.count('a');
      await stats.close();
    }
  });
});

describe('statsd at a host that does not resolve', () => {
  it('is told, and again when it is well', async () => {
    const told: (string | null)[] = [];
    const stats = openStats({ host: 'no.such.host.invalid', port: 8125, prefix: '' });
    stats.watch(trouble => told.push(trouble));
    for (let index = 0; index < 5; index += 1) stats.count('a');
    await until(() => told.length > 1);
    expect(told[0]).toBeNull();
    expect(told.slice(1)).toEqual([
      expect.stringMatching(
        /^statsd at no\.such\.host\.invalid:8125: its name (does not resolve|cannot be looked up) \(E\w+, no\.such\.host\.invalid\)$/,
      ),
    ]);
    await stats.close();
  });

  it('is nothing to tell where it resolves', async () => {
    const told: (string | null)[] = [];
    const stats = openStats({ host: '127.0.0.1', port: await freePort(), prefix: '' });
    stats.watch(trouble => told.push(trouble));
    stats.count('a');
    await stats.close();
    expect(told).toEqual([null]);
  });
});

describe('the registry', () => {
  it('counts keys beyond its limit together', async () => {
    const registry = new MetricsRegistry();
    for (let index = 0; index < 10_005; index += 1) registry.count(`key-${index}`);
    expect(await registry.text()).toContain('nodepool_events_total{key="other"} 5');
  });

  it('says how its process is, and how late the event loop was since the last look', async () => {
    const registry = new MetricsRegistry();
    const read = async (name: string): Promise<number> =>
      Number(new RegExp(`^${name} (.*)$`, 'm').exec(await registry.text())?.[1]);
    expect(await read('process_resident_memory_bytes')).toBeGreaterThan(await read('nodejs_heap_size_used_bytes'));
    expect(await read('process_open_fds')).toBeGreaterThan(2);
    await until(async () => {
      const endMs = performance.now() + 300;
      while (performance.now() < endMs);
      await new Promise(resolve => setImmediate(resolve));
      return (await read('nodejs_eventloop_lag_max_seconds')) > 0.2;
    });
    await registry.close();
  });

  it('can be combined with another', async () => {
    const [first, second] = [new FakeStats(), new FakeStats()];
    const both = combineStats(first, second);
    both.count('a', 2);
    both.timing('b', 3);
    both.gauge('c', 4);
    await both.close();
    for (const one of [first, second]) {
      expect([one.counts.get('a'), one.timings.get('b'), one.gauges.get('c')]).toEqual([2, [3], 4]);
      expect(one.isClosed).toBe(true);
    }
  });
});
