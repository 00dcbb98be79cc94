import { existsSync, statSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  addOnlineSlave,
  addSlave,
  bootMachine,
  callMaster,
  cloudOf,
  listenToEvents,
  logIn,
  masterOf,
  startSmallWorld,
} from '../support/world.js';
import { until } from '../support/until.js';
import type { World } from '../../src/sim/world.js';

let world: World;
afterEach(() => world.close());

describe('a world with one cloud and one master', () => {
  it('runs one job on one machine, tells of it, and sets the node offline', async () => {
    world = await startSmallWorld();
    const master = masterOf(world);
    const events = await listenToEvents(master.zmqEndpoint);
    // A subscription may reach the publisher after the handshake: frames of our own show when it has.
    await until(() => {
      master.publisher.send('hello {}');
      return events.frames.length > 0;
    });
    await addOnlineSlave(world, { name: 'bare-1', label: 'bare' });

    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 20, count: 2 });
    await until(() => world.jobs.finished() === 1);
    const topics = await until(() => {
      const seen = events.frames.filter(frame => !frame.startsWith('hello')).map(frame => frame.split(' ')[0]);
      return seen.length === 3 && seen;
    });
    events.close();

    expect(topics).toEqual(['onStarted', 'onCompleted', 'onFinalized']);
    expect(master.slaves()).toMatchObject([{ name: 'bare-1', isOnline: false, isIdle: true }]);
    expect(world.jobs.queued()).toBe(1);
    expect(world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0, finishedJobs: 1 });
  });

  it('gives a node a second job at once where nobody sets it offline, and counts it', async () => {
    world = await startSmallWorld({ offlineWhenComplete: false });
    await addOnlineSlave(world, { name: 'bare-1', label: 'bare' });
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 10, count: 3 });
    await until(() => world.jobs.finished() === 3);
    expect(world.judge().secondJobs).toBe(1);
  });

  it('lets a build die with its machine', async () => {
    world = await startSmallWorld();
    const { serverId } = await addOnlineSlave(world);
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 60_000 });
    await until(() => world.jobs.running() === 1);
    const client = await logIn(cloudOf(world));
    expect((await client.call('DELETE', `/servers/${serverId}`)).status).toBe(204);
    await until(() => world.jobs.finished() === 1);
    expect(world.judge()).toMatchObject({ killedJobs: 1 });
  });

  it('keeps a job waiting until a node with its label comes', async () => {
    world = await startSmallWorld();
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 5 });
    await addOnlineSlave(world, { name: 'other-1', label: 'other' });
    expect(world.jobs.queued()).toBe(1);
    const { address } = await bootMachine(world, 'bare-1');
    await addSlave(world, { name: 'bare-1', host: address, label: 'bare' });
    await until(() => world.jobs.finished() === 1);
  });

  it('starts a waiting job when its node is set online again', async () => {
    world = await startSmallWorld();
    await addOnlineSlave(world, { name: 'bare-1', label: 'bare' });
    const toggle = (): Promise<Response> =>
      callMaster(masterOf(world), 'computer/bare-1/toggleOffline', { method: 'POST', body: new URLSearchParams() });
    await toggle();
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 5 });
    expect(world.jobs.running()).toBe(0);
    await toggle();
    await until(() => world.jobs.finished() === 1);
  });

  it('stands beside another world without a clash, and leaves no key behind', async () => {
    world = await startSmallWorld();
    const other = await startSmallWorld();
    const here = await addOnlineSlave(world);
    const there = await addOnlineSlave(other);
    expect(here.address.split('.')[1]).not.toBe(there.address.split('.')[1]);
    expect(statSync(other.ssh.privateKeyFile).mode & 0o777).toBe(0o600);
    await other.close();
    expect(existsSync(other.ssh.privateKeyFile)).toBe(false);
  });
});
