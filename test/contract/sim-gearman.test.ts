import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../../src/sim/world.js';
import { startGearmand, type Gearmand } from '../support/gearmand.js';
import { ensureDebianPackages } from '../support/packages.js';
import { until } from '../support/until.js';
import { addOnlineSlave, addSlave, bootMachine, masterOf, startSmallWorld } from '../support/world.js';

let world: World | null = null;
let gearmand: Gearmand | null = null;
afterEach(async () => {
  await world?.close();
  await gearmand?.stop();
  world = gearmand = null;
});

/** Sends one line and reads until the answer ends, whoever ends it. */
function ask(server: { host: string; port: number } | null | undefined, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!server) return reject(new Error('no Gearman server'));
    const socket = connect({ host: server.host, port: server.port });
    let text = '';
    socket.on('connect', () => socket.write(`${line}\n`));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (/(^|\n)\.\n$/.test(text) || /^(OK|ERR) .*\n$/.test(text)) socket.end();
    });
    socket.on('error', reject).on('close', () => resolve(text));
  });
}

describe('the simulated server', () => {
  const start = async () => (world = await startSmallWorld());

  it('counts waiting and running jobs and the workers of online nodes', async () => {
    const here = await start();
    expect(await ask(here.gearman, 'status')).toBe('.\n');
    await addOnlineSlave(here, { label: 'bare' });
    here.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 60_000, count: 3 });
    here.jobs.submit({ job: 'other', label: 'big', durationMs: 5 });
    await until(() => here.jobs.running() === 1);
    expect(await ask(here.gearman, 'status')).toBe(
      'build:demo-job\t0\t0\t1\nbuild:demo-job:bare\t3\t1\t1\nbuild:other:big\t1\t0\t0\n.\n',
    );
  });

  it('tells its version and refuses what it does not know', async () => {
    const here = await start();
    expect(await ask(here.gearman, 'version')).toMatch(/^OK \d/);
    expect(await ask(here.gearman, 'nonsense')).toMatch(/^ERR UNKNOWN_COMMAND/);
  });

  it('garbles, cuts and refuses on demand, and is back at the same port', async () => {
    const here = await start();
    const server = here.gearman?.simulated;
    server?.failNext({ kind: 'lines', lines: ['build:a b\tmany\t0\t1'] });
    expect(await ask(here.gearman, 'status')).toBe('build:a b\tmany\t0\t1\n.\n');
    server?.failNext({ kind: 'half-answer' });
    expect(await ask(here.gearman, 'status')).not.toMatch(/\.\n$/);
    await server?.down();
    await expect(ask(here.gearman, 'status')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server?.up();
    expect(await ask(here.gearman, 'status')).toBe('.\n');
  });
});

describe('a real gearmand', () => {
  beforeAll(() => ensureDebianPackages(['gearman-job-server']));

  const startBeside = async (offlineWhenComplete: boolean) => {
    gearmand = await startGearmand();
    const gearman = { host: gearmand.host, port: gearmand.port };
    world = await startSmallWorld({ gearman, offlineWhenComplete });
    return { here: world, gearman };
  };

  it('queues the jobs of the world, and each online node works off one of them', async () => {
    const { here, gearman } = await startBeside(true);
    here.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 10, count: 3 });
    await until(async () => (await ask(gearman, 'status')).includes('build:demo-job:bare\t3\t0\t0'));
    await addNode(here, 'bare-1');
    await addNode(here, 'bare-2');
    await until(() => here.jobs.finished() === 2);
    await until(async () => (await ask(gearman, 'status')).includes('build:demo-job:bare\t1\t0\t0'));
    expect(here.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0, finishedJobs: 2 });
    expect(
      masterOf(here)
        .slaves()
        .every(slave => !slave.isOnline),
    ).toBe(true);
  });

  it('lets a node work on where nobody sets it offline', async () => {
    const { here } = await startBeside(false);
    await addOnlineSlave(here, { name: 'bare-1', label: 'bare' });
    here.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 5, count: 5 });
    await until(() => here.jobs.finished() === 5);
    expect(here.judge().secondJobs).toBe(1);
  });

  /** The node may have run its job and be offline again before anybody could see it online. */
  async function addNode(here: World, name: string): Promise<void> {
    const { address } = await bootMachine(here, name);
    await addSlave(here, { name, host: address, label: 'bare' });
  }
});
