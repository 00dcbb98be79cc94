import { afterEach, describe, expect, it } from 'vitest';
import type { MasterOptions } from '../../src/sim/jenkins/settings.js';
import type { World } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import {
  addOnlineSlave,
  addSlave,
  bootMachine,
  callMaster,
  cloudOf,
  masterOf,
  slaveForm,
  startSmallWorld,
} from '../support/world.js';

let world: World;
afterEach(() => world.close());

const startMaster = async (more: Partial<MasterOptions> = {}) => {
  world = await startSmallWorld({ masters: [{ name: 'jenkins01', ...more }], jobs: ['demo-job', 'test-job'] });
  return masterOf(world);
};
const nowhere = '192.0.2.1';
const post = (path: string, body = new URLSearchParams()) =>
  callMaster(masterOf(world), path, { method: 'POST', body });
const get = async (path: string) => (await callMaster(masterOf(world), path)).json();
const create = (more: Readonly<Record<string, unknown>>, name = 'node-1') =>
  post('computer/doCreateItem', slaveForm(world, masterOf(world), { name, host: nowhere, label: 'bare', more }));

describe('the door of a master', () => {
  it('answers 401 to a wrong token and 403 to nobody', async () => {
    const master = await startMaster();
    const authorization = `Basic ${Buffer.from('nodepool:wrong').toString('base64')}`;
    expect((await callMaster(master, 'api/json', { headers: { authorization } })).status).toBe(401);
    expect((await fetch(`${master.url}api/json`)).status).toBe(403);
  });

  it('tells its version, and a new session after a restart, which begins with 503', async () => {
    const master = await startMaster({ profile: 'old' });
    const before = await callMaster(master, 'api/json?tree=quietingDown');
    expect(before.headers.get('x-jenkins')).toBe('1.565.3');
    expect(await before.json()).toEqual({ quietingDown: false });
    master.restart(50);
    expect((await callMaster(master, 'api/json')).status).toBe(503);
    const after = await until(async () => {
      const answer = await callMaster(master, 'api/json');
      return answer.status === 200 && answer;
    });
    expect(after.headers.get('x-jenkins-session')).not.toBe(before.headers.get('x-jenkins-session'));
  });

  it('issues crumbs when new, has none when old, and can be made to insist', async () => {
    await startMaster({ profile: 'new' });
    expect(await get('crumbIssuer/api/json')).toMatchObject({ crumbRequestField: 'Jenkins-Crumb' });
    await world.close();
    await startMaster({ profile: 'old' });
    expect((await callMaster(masterOf(world), 'crumbIssuer/api/json')).status).toBe(404);
    await world.close();
    const master = await startMaster({ profile: 'old', needsCrumb: true });
    expect((await create({})).status).toBe(403);
    const { crumb } = (await get('crumbIssuer/api/json')) as { crumb: string };
    const body = slaveForm(world, master, { name: 'node-1', host: nowhere, label: 'bare' });
    const answer = await callMaster(master, 'computer/doCreateItem', {
      method: 'POST',
      body,
      headers: { '.crumb': crumb },
    });
    expect(answer.status).toBe(302);
  });

  it('answers 405 to GET where only POST will do, and 404 in HTML to the unknown', async () => {
    const master = await startMaster();
    await create({});
    expect((await callMaster(master, 'computer/node-1/doDelete')).status).toBe(405);
    const answer = await callMaster(master, 'computer/nobody/api/json');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('text/html');
  });
});

describe('doCreateItem', () => {
  it('answers 302 before it connects, and the node comes online when its machine answers', async () => {
    await startMaster({ connectMs: [50, 50] });
    const { address } = await bootMachine(world);
    await addSlave(world, { name: 'node-1', host: address, label: 'bare precise' });
    expect(await get('computer/node-1/api/json?tree=offline')).toMatchObject({ offline: true });
    await until(async () => !((await get('computer/node-1/api/json')) as { offline: boolean }).offline);
    expect(masterOf(world).slaves()).toMatchObject([{ labels: ['bare', 'precise'], isOnline: true, isIdle: true }]);
  });

  it('tries a machine again that did not answer at first', async () => {
    await startMaster({ relaunchMs: 30 });
    cloudOf(world).settings.sshDelayMs = [150, 150];
    const { address } = await bootMachine(world);
    await addSlave(world, { name: 'node-1', host: address, label: 'bare' });
    await until(() => masterOf(world).slaves()[0]?.isOnline);
  });

  it('leaves a node offline whose machine does not exist or whose credentials are unknown', async () => {
    await startMaster({ connectMs: [0, 0] });
    await create({});
    const reason = async () =>
      ((await get('computer/node-1/api/json')) as { offlineCauseReason: string }).offlineCauseReason;
    await until(async () => (await reason()).includes('failed to launch'));
  });

  it.each([
    ['a name that is taken', 'new', {}, 'taken', 400],
    ['an illegal name', 'new', {}, 'a/b', 400],
    ['a name that ends in a dot, when new', 'new', {}, 'a.', 400],
    ['no nodeProperties, when old', 'old', { nodeProperties: undefined }, 'a', 500],
    ['a launcher without credentials, when old', 'old', { launcher: launcherWith({}) }, 'a', 500],
    ['a launcher known by $class only, when old', 'old', { launcher: { $class: 'x' } }, 'a', 500],
    ['a launcher of an unknown class', 'new', { launcher: { $class: 'x' } }, 'a', 500],
  ] as const)('refuses %s', async (_what, profile, more, name, status) => {
    await startMaster({ profile });
    await create({}, 'taken');
    expect((await create(more, name)).status).toBe(status);
  });

  it('takes GET when old, and hides from it when new', async () => {
    for (const [profile, status] of [
      ['old', 302],
      ['new', 404],
    ] as const) {
      const master = await startMaster({ profile });
      const query = slaveForm(world, master, { name: 'node-1', host: nowhere, label: 'bare' });
      expect((await callMaster(master, `computer/doCreateItem?${query.toString()}`)).status).toBe(status);
      if (profile === 'old') await world.close();
    }
  });
});

function launcherWith(more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { 'stapler-class': 'hudson.plugins.sshslaves.SSHLauncher', host: nowhere, port: 22, ...more };
}

describe('the list of nodes', () => {
  it('answers exactly what tree asks for, in both generations', async () => {
    await startMaster({ profile: 'old' });
    await create({}, 'b');
    await create({}, 'a');
    const tree = 'computer[displayName,offline,nothing,executors[idle]],unknown';
    expect(await get(`computer/api/json?tree=${tree}`)).toEqual({
      computer: [
        { displayName: 'master', offline: false, executors: [] },
        { displayName: 'a', offline: true, executors: [{ idle: true }] },
        { displayName: 'b', offline: true, executors: [{ idle: true }] },
      ],
    });
    await world.close();
    await startMaster({ profile: 'new' });
    await create({}, 'a');
    expect(await get('computer/api/json?tree=computer[displayName]{1,2}')).toEqual({
      _class: 'hudson.model.ComputerSet',
      computer: [{ _class: 'hudson.slaves.SlaveComputer', displayName: 'a' }],
    });
    expect((await callMaster(masterOf(world), 'computer/api/json?tree=computer[')).status).toBe(500);
  });

  it('is big without tree, and deeper with depth', async () => {
    await startMaster({ profile: 'new' });
    await create({}, 'a');
    const plain = (await get('computer/api/json')) as { computer: { executors: object[] }[] };
    expect(plain.computer[1]?.executors).toEqual([{ _class: 'hudson.model.Executor' }]);
    expect(plain.computer[1]).toHaveProperty(['monitorData', 'hudson.node_monitors.ClockMonitor'], null);
    const deeper = (await get('computer/api/json?depth=1')) as { computer: { executors: object[] }[] };
    expect(deeper.computer[1]?.executors).toMatchObject([{ idle: true, number: 0 }]);
  });
});

describe('deleting', () => {
  it('forgets an idle node at once', async () => {
    await startMaster();
    await create({});
    expect((await post('computer/node-1/doDelete')).status).toBe(302);
    expect((await callMaster(masterOf(world), 'computer/node-1/api/json')).status).toBe(404);
  });

  it('keeps the computer of a busy node until its build has died, with the name free', async () => {
    const master = await startMaster({ profile: 'old', dyingMs: [100, 100] });
    const { address } = await addOnlineSlave(world);
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 60_000 });
    await until(() => world.jobs.running() === 1);
    await post('computer/node-1/doDelete');
    expect(await get('computer/node-1/api/json?tree=offline,idle')).toEqual({ offline: true, idle: false });
    expect(master.slaves()).toMatchObject([{ hasNode: false }]);
    await addSlave(world, { name: 'node-1', host: address, label: 'bare' });
    await until(() => world.jobs.finished() === 1);
    expect(world.judge().killedJobs).toBe(1);
    // The dead build was to set its computer offline, and the new node has that computer now.
    expect(master.slaves()).toMatchObject([{ hasNode: true, offlineReason: 'Offline due to Gearman request' }]);
  });

  it('leaves a node without a computer where the name was used again too early, when new', async () => {
    const master = await startMaster({ profile: 'new', dyingMs: [60, 60] });
    const { address } = await addOnlineSlave(world);
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 60_000 });
    await until(() => world.jobs.running() === 1);
    await post('computer/node-1/doDelete');
    await addSlave(world, { name: 'node-1', host: address, label: 'bare' });
    await until(() => master.slaves().length === 0);
    expect((await create({})).status).toBe(400);
  });
});

describe('offline and labels', () => {
  const offline = () => get('computer/node-1/api/json?tree=temporarilyOffline,offlineCauseReason');

  it('toggles with toggleOffline and sets with changeOfflineCause, and the build goes on', async () => {
    await startMaster({ profile: 'old' });
    await addOnlineSlave(world);
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 100 });
    await until(() => world.jobs.running() === 1);
    for (let i = 0; i < 2; i++) {
      await post('computer/node-1/changeOfflineCause', new URLSearchParams({ offlineMessage: 'used' }));
      expect(await offline()).toEqual({ temporarilyOffline: true, offlineCauseReason: 'used' });
    }
    await post('computer/node-1/toggleOffline');
    expect(await offline()).toMatchObject({ temporarilyOffline: false });
    await until(() => world.jobs.finished() === 1);
    expect(world.judge().killedJobs).toBe(0);
  });

  it.each([
    ['old', '1.0', true],
    ['new', '1.1', false],
  ] as const)('relabels by config.xml: a %s master writes XML %s', async (profile, version, staysOffline) => {
    const master = await startMaster({ profile });
    await addOnlineSlave(world, { label: 'first' });
    const xml = await (await callMaster(master, 'computer/node-1/config.xml')).text();
    expect(xml).toContain(`<?xml version="${version}"`);
    await post('computer/node-1/changeOfflineCause', new URLSearchParams({ offlineMessage: 'used' }));
    const relabelled = xml.replace('<label>first</label>', '<label>second third</label>');
    const headers = { 'content-type': 'application/xml' };
    const answer = await callMaster(master, 'computer/node-1/config.xml', {
      method: 'POST',
      body: relabelled,
      headers,
    });
    expect(answer.status).toBe(200);
    expect(master.slaves()[0]?.labels).toEqual(['second', 'third']);
    // New masters take the flag from the XML, which was read before the node was set offline.
    expect(await offline()).toMatchObject({ temporarilyOffline: staysOffline });
  });
});

describe('builds over HTTP', () => {
  it.each([
    ['old', 201],
    ['new', 303],
  ] as const)(
    'runs on the node that NODE names; the same again is one item for a %s master',
    async (profile, again) => {
      const master = await startMaster({ profile });
      await addOnlineSlave(world, { name: 'node-1', label: 'bare' });
      await post('computer/node-1/changeOfflineCause', new URLSearchParams({ offlineMessage: 'wait' }));
      const parameters = new URLSearchParams({ NODE: 'node-1', delay: '0sec' });
      const first = await post('job/test-job/buildWithParameters', parameters);
      expect(first.status).toBe(201);
      const location = first.headers.get('location') ?? '';
      const second = await post('job/test-job/buildWithParameters', parameters);
      expect([second.status, second.headers.get('location')]).toEqual([again, location]);
      await post('computer/node-1/toggleOffline');
      const path = `${new URL(location).pathname.slice(1)}api/json`;
      await until(async () => ((await get(path)) as { executable?: { number: number } }).executable?.number === 1);
      await until(() => master.slaves()[0]?.isIdle);
      expect(world.judge()).toMatchObject({ secondJobs: 0, finishedJobs: 0 });
    },
  );

  it('does not know every job', async () => {
    await startMaster();
    expect((await post('job/nothing/buildWithParameters')).status).toBe(404);
  });
});

describe('quieting down', () => {
  it('starts nothing until it is cancelled', async () => {
    await startMaster();
    await addOnlineSlave(world);
    expect((await post('quietDown')).status).toBe(302);
    expect(await get('api/json?tree=quietingDown')).toMatchObject({ quietingDown: true });
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 5 });
    expect(world.jobs.running()).toBe(0);
    await post('cancelQuietDown');
    await until(() => world.jobs.finished() === 1);
  });
});
