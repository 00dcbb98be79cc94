import { expect, it, describe } from 'vitest';
import { openJenkins } from '../../src/adapters/jenkins/client.js';
import { openWorkerCi } from '../../src/adapters/jenkins/worker-ci.js';
import { WorkerPool } from '../../src/adapters/workers/pool.js';
import type { Target } from '../../src/domain/pool-config.js';
import type { OpenCi } from '../../src/ports/ci.js';
import { startWorld, type World } from '../../src/sim/world.js';
import { ciContract, faultOf, soon, spec, type CiHarness } from './ci.suite.js';

const operations = { status: 'status', listNodes: 'listNodes', nodeExists: 'getNode' } as const;

for (const profile of ['old', 'new'] as const) {
  ciContract(`the simulated master, ${profile}`, () => start({ profile }));
}
ciContract('the simulated master, old, with crumbs', () => start({ profile: 'old', needsCrumb: true }));
ciContract('the simulated master, new, from a worker thread', async () => {
  const pool = new WorkerPool({ threads: 1 });
  const harness = await start({ profile: 'new' }, target => openWorkerCi(target, pool));
  return {
    ...harness,
    async end() {
      await harness.end();
      await pool.close();
    },
  };
});

async function start(
  master: { readonly profile: 'old' | 'new'; readonly needsCrumb?: boolean },
  open: OpenCi = openJenkins,
): Promise<CiHarness> {
  const world = await startWorld({
    clouds: [],
    gearman: 'none',
    jobs: ['acceptance'],
    masters: [{ name: 'm1', ...master }],
  });
  const { ci, sim } = opened(world, {}, open);
  return {
    ci,
    slave(name) {
      const slave = sim.slaves().find(each => each.name === name && each.hasNode);
      return slave ? { host: slave.host ?? '', labels: slave.labels, offlineReason: slave.offlineReason } : null;
    },
    async quietDown() {
      const authorization = `Basic ${Buffer.from(`${sim.user}:${sim.apikey}`).toString('base64')}`;
      const crumb: Record<string, string> = master.needsCrumb === true ? await crumbOf(sim.url, authorization) : {};
      await fetch(`${sim.url}quietDown`, { method: 'POST', redirect: 'manual', headers: { authorization, ...crumb } });
    },
    loseAnswer: op => sim.failNext(op, { kind: 'lose-reply' }),
    hang: op => sim.failNext(operations[op], { kind: 'hang' }),
    testJobs: () => sim.waitingBuilds().map(({ job, parameters }) => ({ job, name: parameters['NODE'] ?? '' })),
    statusCalls: () => sim.counts().calls['status'] ?? 0,
    failNext: op => sim.failNext(operations[op], { kind: 'html', status: 500 }),
    down: () => sim.down(),
    async end() {
      await ci.close();
      await world.close();
    },
  };
}

async function crumbOf(url: string, authorization: string): Promise<Record<string, string>> {
  const answer = await fetch(`${url}crumbIssuer/api/json`, { headers: { authorization } });
  const { crumb, crumbRequestField } = (await answer.json()) as { crumb: string; crumbRequestField: string };
  return { [crumbRequestField]: crumb };
}

function opened(world: World, more: { apikey?: string } = {}, open: OpenCi = openJenkins) {
  const sim = world.masters.get('m1');
  if (sim === undefined) throw new Error('the world has no master m1');
  const jenkins = { url: sim.url, user: sim.user, apikey: sim.apikey, credentialsId: sim.credentialsId, testJob: null };
  const target: Target = {
    name: 'm1',
    jenkins: { ...jenkins, ...more },
    rateMs: 0,
    hostname: '',
    subnodeHostname: '',
    assignViaGearman: false,
  };
  return { sim, ci: open(target) };
}

describe('a simulated master', () => {
  it('refuses a wrong key, answers 503 while it starts, and has another session afterwards', async () => {
    const world = await startWorld({ clouds: [], gearman: 'none', masters: [{ name: 'm1' }] });
    const { ci, sim } = opened(world);
    const stranger = opened(world, { apikey: 'wrong' }).ci;
    expect(await faultOf(stranger.status(soon))).toBe('jenkins.auth');
    const before = await ci.status(soon);
    sim.failNext('createNode', { kind: 'answer', status: 503, body: 'Please wait while Jenkins is getting ready' });
    expect(await faultOf(ci.createNode(spec('early'), soon))).toBe('jenkins.unreachable');
    sim.restart(0);
    await expect
      .poll(() =>
        ci.status(soon).then(
          status => status.session,
          () => before.session,
        ),
      )
      .not.toBe(before.session);
    await Promise.all([ci.close(), stranger.close()]);
    await world.close();
  });

  it('takes the host key of the machine, and lists 1000 nodes in one request', async () => {
    const world = await startWorld({
      clouds: [],
      gearman: 'none',
      masters: [{ name: 'm1', connectMs: [60_000, 60_000] }],
    });
    const { ci, sim } = opened(world);
    const hostKey = `${world.ssh.hostKey} a comment`;
    await Promise.all(
      Array.from({ length: 1000 }, (_, index) => ci.createNode(spec(`many-${index}`, { hostKey }), soon)),
    );
    const asked = sim.counts().calls['listNodes'] ?? 0;
    expect(await ci.listNodes(soon)).toHaveLength(1000);
    expect(sim.counts().calls['listNodes']).toBe(asked + 1);
    expect(sim.computers()[0]?.node?.launcher?.hostKey).toBe(world.ssh.hostKey);
    await ci.close();
    await world.close();
  });
});
