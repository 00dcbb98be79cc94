/** `nodepoold` as a process that detaches, and the command line where no daemon runs. */
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeView } from '../../src/ports/control.js';
import { nodepoold, type Run } from '../support/daemon.js';
import { E2ePool } from '../support/e2e-pool.js';
import { embeddedServer } from '../support/postgres.js';
import { until } from '../support/until.js';

const patience = { withinMs: 60_000 };

describe('nodepoold', () => {
  let pool: E2ePool;
  let pidFile: string;

  beforeAll(async () => {
    pool = await E2ePool.open({
      dburi: 'embedded:',
      clouds: { east: {} },
      labels: { small: 1 },
      providers: { east: { 'max-servers': 2 } },
    });
    pidFile = join(pool.dir, 'nodepoold.pid');
  });
  afterAll(async () => {
    const pid = pidIn(pidFile);
    if (pid !== null) process.kill(pid, 'SIGKILL');
    await pool.close();
  });

  const detach = (): Promise<Run> => nodepoold(['-c', pool.config, '-p', pidFile]);

  it('refuses a configuration that is wrong with the place of each error, and touches nothing', async () => {
    const wrong = join(pool.dir, 'wrong.yaml');
    const lines = readFileSync(pool.config, 'utf8').split('\n');
    const place = lines.findIndex(line => line.includes('max-servers: 2')) + 1;
    const column = (lines[place - 1]?.indexOf('max-servers') ?? 0) + 1;
    writeFileSync(
      wrong,
      lines.join('\n').replace('max-servers: 2', 'max-server: 2').replace('min-ready: 1', 'min-ready: x'),
    );
    for (const args of [
      ['-c', wrong],
      ['-d', '-c', wrong],
    ]) {
      const run = await nodepoold([...args, '-p', pidFile]);
      expect(run.code).toBe(6);
      const told = run.stderr
        .trimEnd()
        .split('\n')
        .filter(line => !line.includes('warning'));
      expect(told.pop()).toContain('correct it, or name another one with -c FILE');
      for (const line of told) expect(line).toMatch(/wrong\.yaml:\d+:\d+: /);
      expect(told.some(line => line.startsWith(`${wrong}:${place}:${column}: `))).toBe(true);
      expect(told.length).toBeGreaterThan(1);
      expect(run.stdout).toBe('');
    }
    expect(readdirSync(pool.stateDir)).toEqual([]);
    expect(readdirSync(pool.dir).sort()).toEqual(['nodepool.yaml', 'state', 'wrong.yaml']);
  });

  it('lets nothing be read or changed where there is no database yet, and makes none', async () => {
    for (const command of [['list'], ['image-list'], ['hold', '1']]) {
      const run = await pool.cli(...command);
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toContain('there is no database of nodepool yet');
    }
    expect(readdirSync(pool.stateDir)).toEqual([]);
  });

  it('detaches and returns 0 when its socket answers, refuses a second start, and ends in order at SIGTERM, lesson 98', async () => {
    expect(await detach()).toMatchObject({ code: 0, stdout: '' });
    const pid = pidIn(pidFile);
    expect(pid).not.toBeNull();
    expect((await pool.client.health()).version).toMatch(/^\d/);
    const [node] = await pool.untilAtRest(1);

    const again = await detach();
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('answers');
    expect(pidIn(pidFile)).toBe(pid);

    process.kill(pid ?? 0, 'SIGTERM');
    await until(() => !existsSync(pidFile) && !existsSync(pool.socket), patience);
    await until(() => embeddedServer(join(pool.stateDir, 'postgres')) === null, patience);
    const listed = await pool.cli('list', '-o', 'json');
    expect(listed.code).toBe(0);
    expect((JSON.parse(listed.stdout) as NodeView[]).map(({ id }) => id)).toEqual([node?.id]);
    expect(embeddedServer(join(pool.stateDir, 'postgres'))).toBeNull();
  });

  it('changes rows by the command line where no daemon runs, and goes on from them', async () => {
    const [row] = JSON.parse((await pool.cli('list', '-o', 'json')).stdout) as NodeView[];
    const held = await pool.cli('hold', String(row?.id), '--reason', 'offline');
    expect(held.code).toBe(0);
    expect(held.stderr).toMatch(/no daemon/i);
    expect((await pool.cli('hold', '999')).code).toBe(3);
    expect((await pool.cli('tree')).code).toBe(5);
    expect((await detach()).code).toBe(0);
    await pool.untilNodes(nodes => nodes.some(node => node.id === row?.id && node.state === 'hold'));
    await pool.untilNodes(nodes => nodes.some(node => node.id !== row?.id && node.state === 'ready'));
  });

  it('goes on after it was killed, whose pid file and socket are left, and hears SIGINT in the background, lesson 99', async () => {
    const before = pidIn(pidFile) ?? 0;
    const server = embeddedServer(join(pool.stateDir, 'postgres'));
    process.kill(before, 'SIGKILL');
    await until(
      () =>
        pool.client.health().then(
          () => false,
          () => true,
        ),
      patience,
    );
    expect(existsSync(pidFile)).toBe(true);
    const nodes = JSON.parse((await pool.cli('list', '-o', 'json')).stdout) as NodeView[];
    expect(nodes).toHaveLength(2);
    expect((await detach()).code).toBe(0);
    expect(pidIn(pidFile)).not.toBe(before);
    expect(server).not.toBeNull();
    process.kill(pidIn(pidFile) ?? 0, 'SIGINT');
    await until(() => !existsSync(pidFile), patience);
  });

  it('has threads that look up 32 names at once, or as many as its environment says', async () => {
    // They are there with the first thing that one of them does, a file that is read.
    const threads = async (env: Record<string, string>): Promise<number> => {
      await pool.start({ env });
      const count = readdirSync(`/proc/${pool.daemon.pid}/task`).length;
      expect(await pool.stop()).toBe(0);
      return count;
    };
    const [many, few] = [await threads({}), await threads({ UV_THREADPOOL_SIZE: '4' })];
    expect(many - few).toBeGreaterThan(50);
  });

  it('returns 1 with the reason when the start fails', async () => {
    rmSync(pool.socket, { force: true });
    const run = await nodepoold(['-c', pool.config, '-p', pidFile], {
      env: { NODEPOOLD_SOCKET: join(pool.dir, 'nodepool.yaml', 'sock') },
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/sock/);
    expect(existsSync(pidFile)).toBe(false);
    await until(() => embeddedServer(join(pool.stateDir, 'postgres')) === null, patience);
  });
});

function pidIn(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8').trim());
  } catch {
    // No such file: nothing runs.
    return null;
  }
}
