/** The disk that keeps the state of the daemon is full: what needs it says so, the rest works, and nothing is left half. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildingKeys, builtImage, scriptsOf, writeScripts } from '../soak/builds.js';
import { nodepoold } from '../support/daemon.js';
import { E2ePool } from '../support/e2e-pool.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

describe('a daemon whose state is on a full disk', () => {
  let postgres: Postgres;
  let pool: E2ePool;

  beforeAll(async () => {
    postgres = await startPostgres();
    pool = await E2ePool.open({
      dburi: postgres.dburi,
      clouds: { east: { bootMs: [100, 200], snapshotMs: [100, 200] } },
      usernames: ['jenkins', 'root'],
      labels: {},
      providers: world => ({ east: { 'max-servers': 4, ...buildingKeys(world) } }),
      more: ({ dir }) => ({
        'script-dir': scriptsOf(dir),
        labels: [{ name: builtImage, image: builtImage, 'min-ready': 1, providers: [{ name: 'east' }] }],
      }),
    });
    await writeScripts(pool.dir);
  });
  afterAll(async () => {
    await pool.close();
    await postgres.stop();
  });

  it('does not start on its own, and says why though it cannot write its log', async () => {
    const { config, stateDir } = pool;
    const options = { env: { NODEPOOLD_STATE_DIR: stateDir }, fullDisk: stateDir };
    const { code, stderr } = await nodepoold(['-c', config], options);
    expect(code).toBe(1);
    expect(stderr).toContain(`could say nothing in ${join(stateDir, 'nodepoold.log')}; is that disk full?`);
    const pidFile = join(stateDir, 'own.pid');
    const inForeground = await nodepoold(['-d', '-p', pidFile, '-c', config], options);
    expect(inForeground).toMatchObject({ code: 1, stdout: '' });
    expect(inForeground.stderr).toContain(`the pid file ${pidFile} cannot be written: ENOSPC`);
    expect(inForeground.stderr).toContain('free space there');
  });

  it('serves, says which file of a build cannot be written, and goes on with the build once there is room', async () => {
    await pool.start({ fullDisk: pool.stateDir });
    const reasons = async (): Promise<string> => (await pool.client.images()).map(({ reason }) => reason).join();
    await pool.until(async () =>
      (await reasons()).includes('the disk of this machine has no room left for it (ENOSPC)'),
    );
    expect(await reasons()).toContain(join(pool.stateDir, 'build-keys'));
    await pool.until(async () => (await pool.client.readiness()).ready);
    await rm(join('/proc', String(pool.daemon.pid), 'root', pool.stateDir, 'fill'));
    await pool.untilAtRest(1);
    expect(await pool.client.images()).toMatchObject([{ state: 'ready', reason: null }]);
    expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
  });
});
