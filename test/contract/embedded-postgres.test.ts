/** The PostgreSQL of our own, and the processes that use it: daemons, refused daemons, command lines. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openEmbeddedStore } from '../../src/db/embedded-store.js';
import { startEmbeddedPostgres } from '../../src/db/embedded.js';
import { newNode } from './store.world.js';
import { embeddedServer } from '../support/postgres.js';
import { until } from '../support/until.js';

const program = fileURLToPath(new URL('embedded-user.mjs', import.meta.url));
const patience = { withinMs: 60_000 };

interface User {
  readonly server: { readonly pid: number; readonly port: number; readonly dburi: string; readonly home: string };
  /** Lets it stop the server properly, exit without that, or be killed; resolves when it is gone. */
  end(how: 'stop' | 'exit' | 'kill'): Promise<void>;
}

describe('the embedded PostgreSQL', { timeout: 120_000 }, () => {
  let place: string;
  let dir: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'nodepool-embedded-'));
    await chmod(place, 0o755);
    dir = join(place, 'postgres');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    // What a killed one left behind is adopted, and so stopped.
    await (await start()).stop();
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const shelter = () => join(place, 'shelter');
  const start = (where = dir) => startEmbeddedPostgres({ dir: where, shelter: shelter(), maxConnections: 20 });
  const use = async (): Promise<User> => {
    const child = spawn(process.execPath, [program, dir, shelter()], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return {
      server: JSON.parse(line) as User['server'],
      end: async how => {
        const closed = once(child, 'close');
        if (how === 'kill') child.kill('SIGKILL');
        else child.stdin.write(`${how}\n`);
        await closed;
      },
    };
  };

  test('is one for all that start at once, and the last one that leaves stops it', async () => {
    const users = await Promise.all([use(), use(), use()]);
    const [server] = users.map(user => user.server);
    expect(users.map(user => user.server)).toEqual([server, server, server]);
    await users[0]?.end('stop');
    await users[1]?.end('stop');
    expect(await answers(server?.dburi ?? '')).toBe(true);
    await users[2]?.end('stop');
    expect(embeddedServer(dir)).toBeNull();
  });

  test('outlives one that exits without stopping it, while another uses it', async () => {
    const first = await use();
    const second = await use();
    await second.end('exit');
    expect(await answers(first.server.dburi)).toBe(true);
    await first.end('exit');
    await until(() => embeddedServer(dir) === null, patience);
  });

  test('is adopted with its data from one that was killed', async () => {
    const killed = await use();
    await ask(killed.server.dburi, 'create table kept (id integer)');
    await killed.end('kill');
    const next = await use();
    expect(next.server.pid).toBe(killed.server.pid);
    expect(await ask(next.server.dburi, 'select count(*)::integer as n from kept')).toEqual([{ n: 0 }]);
    await next.end('stop');
    expect(embeddedServer(dir)).toBeNull();
  });

  test('keeps its port from one start to the next, and does without when another program has it', async () => {
    const first = await start();
    await first.stop();
    const second = await start();
    expect(second.port).toBe(first.port);
    await second.stop();
    const other = createServer().listen(first.port, '127.0.0.1');
    await once(other, 'listening');
    const third = await start();
    expect(third.port).not.toBe(first.port);
    await third.stop();
    other.close();
  });

  test('works beneath a directory that only we may enter', async () => {
    const hidden = join(place, 'private', 'postgres');
    await mkdir(join(place, 'private'), { mode: 0o700 });
    const server = await start(hidden);
    expect(await answers(server.dburi)).toBe(true);
    const isRoot = process.getuid?.() === 0;
    expect(server.home.startsWith(isRoot ? shelter() : hidden)).toBe(true);
    await server.stop();
  });

  test('is started again by the store when it has died, and nothing written is lost', async () => {
    const store = await openEmbeddedStore({ dir, now: () => 1_400_000_000_000, log: () => undefined, mayCreate: true });
    try {
      const holder = { host: 'ci-1', pid: 1, socket: '/run/x.sock' };
      const { lockLost } = await store.start(holder);
      const [row] = await store.shared.insertNodes([newNode('a')]);
      process.kill(embeddedServer(dir) ?? 0, 'SIGKILL');
      await lockLost;
      await until(() => succeeds(store.start(holder)), patience);
      expect(await store.shared.nodes()).toEqual([row]);
    } finally {
      await store.close();
    }
  });
});

async function ask(dburi: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: dburi });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function answers(dburi: string): Promise<boolean> {
  return succeeds(ask(dburi, 'select 1'));
}

async function succeeds(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch {
    // The reason is the server's; what is asked is whether it answers.
    return false;
  }
}
