import { mkdir } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/main.js';
import { Fault } from '../../../src/domain/fault.js';
import { nodeDetail } from '../../../src/domain/views.js';
import { actor, emptyPlan, image, node } from '../../contract/http/fake-control.js';
import { Harness, row } from './harness.js';

let cli: Harness;

beforeEach(async () => {
  cli = await Harness.open();
});

afterEach(async () => {
  await cli.close();
});

describe('list', () => {
  it('draws the original table: its columns in order, None for what is missing', async () => {
    cli.api.nodeViews = [
      node(17, { hostname: 'p17.local' }),
      node(18, { hostname: null, nodename: null, ip: null, state: 'building' }),
    ];
    await cli.serve();
    const { code, out, err } = await cli.ask('list');
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toBe(
      `
+----+----------+------+---------+-----------+-----------+--------------------+-----------+-------------+----------+-------------+
| ID | Provider | AZ   | Label   | Target    | Hostname  | NodeName           | Server ID | IP          | State    | Age         |
+----+----------+------+---------+-----------+-----------+--------------------+-----------+-------------+----------+-------------+
| 17 | rax-ord  | None | precise | jenkins01 | p17.local | precise-rax-ord-17 | server-17 | 203.0.113.7 | ready    | 01:02:03:04 |
| 18 | rax-ord  | None | precise | jenkins01 | None      | None               | server-18 | None        | building | 01:02:03:04 |
+----+----------+------+---------+-----------+-----------+--------------------+-----------+-------------+----------+-------------+
`.trimStart(),
    );
  });

  it('an empty list is a table without rows', async () => {
    await cli.serve();
    const { out } = await cli.ask('list');
    expect(out.split('\n')).toHaveLength(4);
    expect(out.split('\n')[1]).toContain('| ID | Provider |');
  });

  it('wide adds step, reason and private address', async () => {
    cli.api.nodeViews = [node(17, { state: 'hold', reason: 'looking\ninto it', step: 'boot' })];
    await cli.serve();
    const { out } = await cli.ask('list', '-o', 'wide');
    expect(out).toContain('| Step | Reason          | Private IP |');
    expect(out).toContain('| boot | looking into it | 10.0.0.7   |');
  });

  it('json is the views, yaml too, name is one line each', async () => {
    cli.api.nodeViews = [node(17), node(18)];
    await cli.serve();
    expect(JSON.parse((await cli.ask('list', '-o', 'json')).out)).toEqual(cli.api.nodeViews);
    expect((await cli.ask('-o', 'yaml', 'list')).out).toContain('- id: 17\n');
    expect((await cli.ask('list', '-o', 'name')).out).toBe('node/17\nnode/18\n');
  });

  it('no control character of a cloud reaches the terminal', async () => {
    cli.api.nodeViews = [node(17, { hostname: 'evil\u001b[2J\u009b' })];
    await cli.serve();
    expect((await cli.ask('list')).out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it('without a daemon reads the database and says so', async () => {
    cli.store.rows = [row(5)];
    const { code, out, err } = await cli.run('list', ...(await cli.configure()), '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ id: 5, state: 'ready', ageSeconds: 93_784 }]);
    expect(err).toContain('no daemon');
    expect(err).toContain('database');
    expect(cli.store.calls).toEqual(['attach', 'close']);
  });
});

it('image-list draws the original table', async () => {
  cli.api.imageViews = [image(3)];
  await cli.serve();
  expect((await cli.ask('image-list')).out).toBe(
    `
+----+----------+---------+----------+------------+----------+-----------+-------+-------------+
| ID | Provider | Image   | Hostname | Version    | Image ID | Server ID | State | Age         |
+----+----------+---------+----------+------------+----------+-----------+-------+-------------+
| 3  | rax-ord  | precise | None     | 1402000000 | image-3  | None      | ready | 00:00:01:00 |
+----+----------+---------+----------+------------+----------+-----------+-------+-------------+
`.trimStart(),
  );
});

describe('hold, release and delete', () => {
  it('lesson 165: ask the daemon, which has the rows and the clouds, and list the node', async () => {
    await cli.serve();
    cli.api.outcome = { kind: 'done', node: node(7, { state: 'hold' }) };
    expect((await cli.ask('hold', '7', '--reason', 'looking', '--for', '1h30m')).out).toContain('| hold  |');
    await cli.ask('release', 'node/7');
    await cli.ask('delete', '7', '--now');
    expect(cli.api.calls).toEqual([
      ['hold', 7, { reason: 'looking', forMs: 5_400_000 }],
      ['release', 7],
      ['delete', 7, { now: true }],
    ]);
  });

  it('end with 3 where there is no such node, 4 where it is refused, 1 where it failed', async () => {
    await cli.serve();
    cli.api.outcome = { kind: 'not-found', message: 'there is no node 7', next: 'see nodepool list' };
    const err = 'nodepool: there is no node 7; see nodepool list\n';
    expect(await cli.ask('hold', '7')).toEqual({ code: 3, out: '', err });
    cli.api.outcome = { kind: 'refused', message: 'it is being deleted', next: 'wait' };
    expect(await cli.ask('release', '7')).toMatchObject({ code: 4, err: 'nodepool: it is being deleted; wait\n' });
    cli.api.outcome = { kind: 'failed', message: 'the row was not written' };
    expect((await cli.ask('delete', '7')).code).toBe(1);
  });

  it('hold without a daemon takes the lock and writes the row', async () => {
    cli.store.rows = [row(5, { state: 'used' })];
    const config = await cli.configure();
    const { code, out, err } = await cli.run('hold', '5', '--for', '2m', '--reason', 'why', ...config);
    expect(code).toBe(0);
    expect(out).toContain('| hold  |');
    expect(err).toContain('database');
    expect(cli.store.calls).toEqual(['start', 'close']);
    expect(cli.store.rows).toMatchObject([
      { state: 'hold', reason: 'why', expiry: cli.nowMs + 120_000, jobStartedAt: cli.nowMs },
    ]);
  });

  it('lesson 160: delete without a daemon asks no cloud and no master, and leaves the work to its next start', async () => {
    cli.store.rows = [row(5)];
    expect((await cli.run('delete', '5', ...(await cli.configure()))).code).toBe(0);
    expect(cli.store.rows).toMatchObject([{ state: 'delete', step: 'unregister+servers', stepAt: cli.nowMs }]);
    expect(cli.cloud('rax-ord').calls).toEqual([]);
  });

  it('without a daemon end with 3 where there is no such node', async () => {
    const config = await cli.configure();
    for (const command of ['hold', 'delete']) {
      const { code, out, err } = await cli.run(command, '7', ...config);
      expect([code, out]).toEqual([3, '']);
      expect(err).toContain('nodepool: there is no node 7; nodepool list shows the nodes that there are\n');
    }
  });

  it('without a daemon keep the rules of the daemon', async () => {
    cli.store.rows = [row(5, { state: 'delete', step: 'servers' })];
    const config = await cli.configure();
    expect((await cli.run('hold', '5', ...config)).code).toBe(4);
    expect((await cli.run('delete', '5', ...config)).code).toBe(0);
    expect((await cli.run('hold', '6', ...config)).code).toBe(3);
    expect(cli.store.rows).toMatchObject([{ state: 'delete', step: 'servers' }]);
    expect((await cli.run('release', '5', ...config)).code).toBe(5);
  });

  it('write nothing while a daemon that does not answer has the database', async () => {
    cli.store.rows = [row(5)];
    cli.store.startFault = new Fault('store.locked', 'held by here, pid 7');
    const { code, err } = await cli.run('hold', '5', ...(await cli.configure()));
    expect(code).toBe(5);
    expect(err).toContain(
      'held by here, pid 7; a daemon has this database; name its socket with --socket, and run as a user who may open it',
    );
    expect(cli.store.rows).toMatchObject([{ state: 'ready' }]);
  });
});

describe('tree and inspect', () => {
  beforeEach(async () => {
    cli.api.root = actor('/', {
      children: [
        actor('/store', { task: { name: 'probe', ageSeconds: 3 }, mailbox: 2 }),
        actor('/providers', {
          children: [
            actor('/providers/rax', {
              state: 'parked',
              restarts: 5,
              failure: { message: 'auth\nrefused', at: 0, count: 6 },
              connection: { state: 'waiting', ageSeconds: 130 },
            }),
          ],
        }),
      ],
    });
    await cli.serve();
  });

  it('draw in ASCII where it is no terminal', async () => {
    expect((await cli.ask('tree')).out).toBe(
      `
ACTOR         MAILBOX  RESTARTS  TASK        CONNECTION  STATE
/             0        0         -           -           running
|- store      2        0         probe 3.0s  -           running
\`- providers  0        0         -           -           running
   \`- rax     0        5         -           waiting 2m  parked; last failure: auth refused (6)
`.trimStart(),
    );
  });

  it('draw in Unicode and colour on a terminal, without colour if NO_COLOR is set', async () => {
    cli.isTerminal = true;
    const coloured = (await cli.ask('tree')).out;
    expect(coloured).toContain('├─ store');
    expect(coloured).toContain('\u001b[31m');
    cli.env['NO_COLOR'] = '1';
    expect((await cli.ask('tree')).out).not.toContain('\u001b[');
  });

  it('begin at a path, and end with 3 where there is none', async () => {
    expect((await cli.ask('tree', '/providers', '-o', 'name')).out).toBe('/providers\n/providers/rax\n');
    expect(JSON.parse((await cli.ask('tree', '-o', 'json')).out)).toEqual(cli.api.root);
    expect((await cli.ask('tree', '/nowhere')).code).toBe(3);
    expect((await cli.ask('inspect', '/nowhere')).code).toBe(3);
  });

  it('show one actor in full', async () => {
    const { out } = await cli.ask('inspect', '/providers/rax');
    expect(out).toContain('last failure  auth refused\nfailed at     1970-01-01T00:00:00.000Z\nfailures      6\n');
    expect(JSON.parse((await cli.ask('inspect', '/store', '-o', 'json')).out)).toMatchObject({ path: '/store' });
  });

  it('show of a node what its row tells, and what its machine said last', async () => {
    cli.api.root = actor('/', { children: [actor('/providers/rax/nodes/7', { kind: 'node' })] });
    const row7 = row(7, { state: 'delete', step: 'servers', lastError: 'no route', console: 'Booting\nKernel panic' });
    const detail = nodeDetail(row7, 0);
    cli.api.nodeViews = [detail];
    cli.api.story = [
      {
        at: 0,
        kind: 'call',
        what: 'ssh.login',
        subnode: null,
        waitedMs: 0,
        ms: 9,
        isOk: false,
        result: 'ssh.auth: no',
      },
    ];
    const { out } = await cli.ask('inspect', '/providers/rax/nodes/7');
    expect(out).toContain('node          7, precise, delete servers\nreason        no route\n');
    expect(out).toContain('console       Booting\n              Kernel panic\n');
    expect(out).toContain('story         00:00:00.000  call  9ms    ssh.login failed: ssh.auth: no\n');
    const { node } = JSON.parse((await cli.ask('inspect', '/providers/rax/nodes/7', '-o', 'json')).out) as {
      node: unknown;
    };
    expect(node).toEqual(detail);
  });

  it('--watch draws until interrupted, and off a terminal once', async () => {
    let sleeps = 0;
    cli.onSleep = () => (++sleeps === 2 ? cli.interrupt.abort() : undefined);
    cli.isTerminal = true;
    const { code, out } = await cli.ask('tree', '--watch');
    expect(code).toBe(0);
    expect(out.match(/ACTOR/g)).toHaveLength(2);
    expect(out.startsWith('\u001b[?1049h') && out.endsWith('\u001b[?1049l')).toBe(true);
    expect((await cli.ask('tree', '--watch', '-o', 'name')).err).toContain('-o name is for programs');
    cli.isTerminal = false;
    const once = await cli.ask('tree', '--watch');
    expect(once.out.match(/^ACTOR/gm)).toHaveLength(1);
    expect(once.err).toContain('not a terminal, so the tree is shown once');
  });
});

it('a tree that is watched is cut to the screen, from its top', async () => {
  cli.api.root = actor('/', { children: Array.from({ length: 9 }, (_, index) => actor(`/part-${index}`)) });
  await cli.serve();
  cli.isTerminal = true;
  cli.onSleep = () => cli.interrupt.abort();
  const watch = async (rows: number, columns: number): Promise<string[]> => {
    cli.screenSize = { rows, columns };
    const { out } = await cli.ask('tree', '--watch');
    return stripVTControlCharacters(out).split('\n');
  };
  const lines = await watch(5, 12);
  expect(lines.slice(0, 4)).toEqual(['ACTOR      M', '/          0', '├─ part-0  0', '├─ part-1  0']);
  expect(lines.slice(4)).toEqual(['7 more; nodepool tree PATH --watch shows what is below PATH'.slice(0, 12)]);
});

describe('reload', () => {
  it('shows what changed', async () => {
    cli.api.reloaded = { kind: 'done', changes: ['provider rax-dfw: max-servers 5 → 6'], problems: [] };
    await cli.serve();
    expect(await cli.ask('reload')).toEqual({ code: 0, out: 'provider rax-dfw: max-servers 5 → 6\n', err: '' });
    expect(JSON.parse((await cli.ask('reload', '-o', 'json')).out)).toEqual({
      changes: ['provider rax-dfw: max-servers 5 → 6'],
      problems: [],
    });
  });

  it('says that nothing changed', async () => {
    await cli.serve();
    expect(await cli.ask('reload')).toEqual({ code: 0, out: '', err: 'nothing changed\n' });
  });

  it('exits 6 where the file is refused', async () => {
    cli.api.reloaded = { kind: 'refused', problems: ['nodepool.yaml:1:1: the file is empty'] };
    await cli.serve();
    expect(await cli.ask('reload')).toEqual({
      code: 6,
      out: '',
      err: 'nodepool.yaml:1:1: the file is empty\nrefused: the old configuration stays in force\n',
    });
  });

  it('exits 5 without a daemon', async () => {
    expect((await cli.ask('reload')).code).toBe(5);
  });
});

describe('jobs of which nodes are kept', () => {
  const gate = { id: 3, name: 'gate', holdOnFailure: 2 };

  it('are listed with the columns of 0.3', async () => {
    cli.api.jobViews = [gate];
    await cli.serve();
    const { code, out } = await cli.ask('job-list');
    expect(code).toBe(0);
    expect(out.split('\n').slice(1, 4)).toEqual([
      '| ID | Name | Hold on Failure |',
      '+----+------+-----------------+',
      '| 3  | gate | 2               |',
    ]);
    expect(JSON.parse((await cli.ask('job-list', '-o', 'json')).out)).toEqual([gate]);
    expect((await cli.ask('job-list', '-o', 'name')).out).toBe('job/3\n');
  });

  it('are created and deleted', async () => {
    await cli.serve();
    expect((await cli.ask('job-create', 'a job', '--hold-on-failure', '2')).out).toContain('| a job |');
    expect((await cli.ask('job-delete', 'job/3')).code).toBe(0);
    expect(cli.api.calls).toEqual([
      ['createJob', { name: 'a job', holdOnFailure: 2 }],
      ['deleteJob', 3],
    ]);
  });

  it('are not created twice, and an unknown one exits 3', async () => {
    cli.api.jobOutcome = { kind: 'refused', message: 'job gate is there already, with the id 3', next: 'delete it' };
    await cli.serve();
    expect(await cli.ask('job-create', 'gate')).toMatchObject({ code: 4, out: '' });
    cli.api.jobOutcome = { kind: 'not-found', message: 'there is no job 9', next: 'see job-list' };
    const err = 'nodepool: there is no job 9; see job-list\n';
    expect(await cli.ask('job-delete', '9')).toEqual({ code: 3, out: '', err });
    expect((await cli.ask('job-delete', 'gate')).code).toBe(2);
    expect((await cli.ask('job-create', 'gate', '--hold-on-failure', 'some')).code).toBe(2);
  });

  it('are in the database where no daemon runs', async () => {
    const file = await cli.configure();
    expect((await cli.run('job-create', 'gate', '--hold-on-failure', '1', ...file)).code).toBe(0);
    expect(await cli.run('job-create', 'gate', ...file)).toMatchObject({ code: 4 });
    const list = await cli.run('job-list', '-o', 'json', ...file);
    expect(JSON.parse(list.out)).toEqual([{ id: 1, name: 'gate', holdOnFailure: 1 }]);
    expect(list.err).toContain('using the database itself');
    expect((await cli.run('job-delete', '1', ...file)).code).toBe(0);
    expect((await cli.run('job-delete', '1', ...file)).code).toBe(3);
    // Writing takes the lock, reading does not.
    expect(cli.store.calls.filter(call => call !== 'close')).toEqual(['start', 'start', 'attach', 'start', 'start']);
  });
});

describe('tune', () => {
  it('gives each key and value through', async () => {
    await cli.serve();
    const { code, err } = await cli.ask('tune', 'rax-dfw', 'launches=10', 'rate=0.5', 'max-servers=-1');
    expect(code).toBe(0);
    expect(err.split('\n')[0]).toBe('tuned rax-dfw launches=10 until the next reload');
    expect(cli.api.calls).toEqual([
      ['tune', 'rax-dfw', { key: 'launches', value: 10 }],
      ['tune', 'rax-dfw', { key: 'rate', value: 0.5 }],
      ['tune', 'rax-dfw', { key: 'max-servers', value: -1 }],
    ]);
  });

  it('exits 3 for an unknown provider, 4 for a value out of range, 2 for an unknown key and what is no number', async () => {
    cli.api.outcome = { kind: 'not-found', message: 'there is no provider x in the configuration', next: 'look' };
    await cli.serve();
    expect((await cli.ask('tune', 'x', 'rate=1')).code).toBe(3);
    cli.api.outcome = { kind: 'refused', message: 'launches cannot be 0', next: 'it is 1 or more' };
    expect((await cli.ask('tune', 'x', 'concurrency.launches=0')).code).toBe(4);
    expect((await cli.ask('tune', 'x', 'rate=fast')).code).toBe(2);
    expect(await cli.ask('tune', 'x', 'colour=1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('colour cannot be tuned; these can: max-servers, rate') as string,
    });
  });
});

it('restart gives the path through', async () => {
  await cli.serve();
  expect(await cli.ask('restart', '/pool')).toEqual({ code: 0, out: '', err: 'restarted /pool\n' });
  expect(cli.api.calls).toEqual([['restart', '/pool']]);
});

describe('plan', () => {
  it('asks the daemon', async () => {
    cli.api.planView = {
      grants: [{ label: 'precise', provider: 'rax-ord', target: 'jenkins01', count: 2 }],
      deficits: { precise: 2, trusty: 0 },
      changes: ['provider rax-ord: max-servers 5 → 6'],
      isRefused: false,
      problems: ['next.yaml:3:5: warning: it is old'],
      effects: [{ effect: 'drain', what: 'provider rax-ord', detail: '2 go as their jobs end' }],
      peaks: [{ provider: 'rax-ord', servers: 4, launched: 2, templates: 1, peak: 7, maxServers: 6 }],
    };
    await cli.serve();
    const { code, out, err } = await cli.ask('plan', '--demand', 'precise=3', '--demand', 'trusty=1');
    expect(code).toBe(0);
    expect(err).toBe('next.yaml:3:5: warning: it is old\n');
    expect(out).toContain('| precise | rax-ord  | jenkins01 | 2     |');
    expect(out).toContain('max-servers 5 → 6');
    expect(out).toContain('| drain  | provider rax-ord | 2 go as their jobs end |');
    expect(out).toContain('| rax-ord  | 4       | 2        | 1         | 7    | 6   |');
    expect(cli.api.calls).toEqual([['plan', { precise: 3, trusty: 1 }]]);
    expect((await cli.ask('plan', '--exit-code')).code).toBe(7);
    cli.api.planView = emptyPlan;
    expect((await cli.ask('plan', '--exit-code')).code).toBe(0);
    await cli.ask('plan', '--file', '/etc/nodepool/next.yaml');
    expect(cli.api.calls.at(-1)).toEqual(['plan', {}, '/etc/nodepool/next.yaml']);
  });

  it('of a file that is refused tells its errors, and exits as config-validate does', async () => {
    const problems = ['/next.yaml:2:1: unknown key labls, did you mean labels?', '/next.yaml:9:3: must not be empty'];
    cli.api.planView = { ...cli.api.planView, isRefused: true, problems, deficits: { precise: 0 } };
    await cli.serve();
    const advice = 'nodepool: the file is refused, and would change nothing; correct it and plan again\n';
    const err = `${problems.join('\n')}\n${advice}`;
    expect(await cli.ask('plan', '--file', '/next.yaml', '--exit-code')).toEqual({ code: 6, out: '', err });
    const own = await cli.ask('plan');
    expect(own).toMatchObject({ code: 6, err });
    expect(own.out).toContain('The next round would launch nothing.');
    const data = await cli.ask('plan', '--file', '/next.yaml', '-o', 'json');
    expect(data).toMatchObject({ code: 6, err: '' });
    expect(JSON.parse(data.out)).toMatchObject({ isRefused: true, problems, changes: [] });
  });

  it('--empty needs neither daemon nor database', async () => {
    const config = await cli.configure();
    const { code, out } = await cli.run('plan', '--empty', ...config, '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      grants: [{ label: 'precise', provider: 'rax-ord', target: 'jenkins01', count: 2 }],
      deficits: { precise: 2 },
      changes: [],
      isRefused: false,
      problems: [],
      effects: [],
      peaks: [{ provider: 'rax-ord', servers: 0, launched: 2, templates: 1, peak: 3, maxServers: 5 }],
    });
    const more = await cli.run('plan', '--empty', '--demand', 'precise=9', ...config, '-o', 'json');
    expect(JSON.parse(more.out)).toMatchObject({ grants: [{ count: 5 }] });
    expect((await cli.run('plan', '--empty', '--demand', 'precis=9', ...config)).code).toBe(3);
    expect(cli.store.calls).toEqual([]);
  });

  it('--empty plans the OpenStack production file of June 2014', async () => {
    const file = new URL('../../fixtures/openstack-2014-06.yaml', import.meta.url).pathname;
    const { code, out } = await cli.run('plan', '--empty', '-c', file, '-o', 'json');
    expect(code).toBe(0);
    const { grants, deficits } = JSON.parse(out) as { grants: { count: number }[]; deficits: Record<string, number> };
    expect(Object.keys(deficits)).toHaveLength(10);
    const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);
    expect(sum(grants.map(({ count }) => count))).toBe(sum(Object.values(deficits)));
    expect(grants.every(({ count }) => count > 0)).toBe(true);
  });
});

describe('wait', () => {
  it('ends when the nodes are ready', async () => {
    cli.api.nodeViews = [node(1)];
    await cli.serve();
    cli.onSleep = () => void cli.api.nodeViews.push(node(cli.api.nodeViews.length + 1));
    expect((await cli.ask('wait', '--ready', 'precise=3')).code).toBe(0);
    expect(cli.api.nodeViews).toHaveLength(3);
  });

  it('ends with 8 when time is over, and says what is missing', async () => {
    cli.api.nodeViews = [node(1)];
    await cli.serve();
    expect(await cli.ask('wait', '--ready', 'precise=3', '--timeout', '90s')).toMatchObject({
      code: 8,
      err: 'nodepool: waited in vain: precise has 1 of 3 ready\n',
    });
    expect((await cli.ask('wait', '--empty', '--timeout', '1')).err).toContain('nodes that are still there: 1');
    cli.api.ready = { ready: false, dependencies: [{ name: '/store', ok: false, reason: 'away', ageSeconds: 1 }] };
    expect((await cli.ask('wait', '--timeout', '1')).err).toContain('/store: away');
  });
});

describe('wait node', () => {
  it('ends when the node is ready, and lists it', async () => {
    cli.api.nodeViews = [node(17, { state: 'building', step: 'ssh' })];
    await cli.serve();
    cli.onSleep = () => void (cli.api.nodeViews = [node(17)]);
    const { code, out, err } = await cli.ask('wait', 'node', '17', '--for', 'ready', '-o', 'json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject([{ id: 17, state: 'ready' }]);
    expect((await cli.ask('wait', 'node', '17')).out).toContain('| 17 |');
  });

  it('ends with 4 when the node can no longer become ready, and says why', async () => {
    cli.api.nodeViews = [node(17, { state: 'delete', reason: 'cloud.quota: no room' })];
    await cli.serve();
    const { code, out, err } = await cli.ask('wait', 'node', '17', '--for', 'ready');
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(err).toContain('node 17 is delete and will not be ready: cloud.quota: no room');
  });

  it('ends with 3 where there is none, and with 8 when time is over', async () => {
    await cli.serve();
    expect((await cli.ask('wait', 'node', '17')).code).toBe(3);
    cli.api.nodeViews = [node(17, { state: 'building', step: 'boot' })];
    expect(await cli.ask('wait', 'node', '17', '--timeout', '90s')).toMatchObject({
      code: 8,
      err: 'nodepool: waited in vain: node 17 is building (boot)\n',
    });
    expect((await cli.ask('wait', '--timeout', '7s', 'node', '17')).code).toBe(8);
  });

  it('--for gone ends when its row is gone', async () => {
    cli.api.nodeViews = [node(17, { state: 'delete' })];
    await cli.serve();
    cli.onSleep = () => void (cli.api.nodeViews = []);
    expect(await cli.ask('wait', 'node', '17', '--for', 'gone', '-o', 'name')).toEqual({ code: 0, out: '', err: '' });
  });

  it('draws one line over and over on a terminal, and takes it away', async () => {
    cli.api.nodeViews = [node(17, { state: 'building', step: 'register' })];
    await cli.serve();
    cli.progressColumns = 60;
    cli.onSleep = () => void (cli.api.nodeViews = [node(17)]);
    const { err } = await cli.ask('wait', 'node', '17');
    expect(err).toBe('\r\u001b[Knode 17 is building (register) [###############-----]; 0 s\r\u001b[K');
    cli.api.nodeViews = [node(17, { state: 'building', step: 'register' })];
    cli.progressColumns = 20;
    expect((await cli.ask('wait', 'node', '17')).err).toContain('\r\u001b[Knode 17 is building\r');
  });
});

describe('wait image', () => {
  const status = {
    provider: 'rax-ord',
    image: 'precise',
    current: null,
    candidate: null,
    building: [image(3, { state: 'building', step: 'upload', progress: '30 of 60 MiB' })],
    isPaused: false,
    plan: 'it is being built',
    restsUntil: null,
    lastBuild: null,
  };

  it('ends when nodes can boot from it and none is being built; a terminal shows what is sent', async () => {
    cli.api.imageStatuses = [status, status, { ...status, current: image(3), building: [] }];
    await cli.serve();
    cli.progressColumns = 80;
    const { code, out, err } = await cli.ask('wait', 'image', 'rax-ord', 'precise', '-o', 'name');
    expect({ code, out }).toEqual({ code: 0, out: 'image/3\n' });
    expect(err).toContain('image 3: [#############-------] upload 30 of 60 MiB; 0 s');
  });

  it('ends with 1 when the build fails, 3 where there is no such image', async () => {
    await cli.serve();
    expect((await cli.ask('wait', 'image', 'rax-ord', 'precise')).code).toBe(3);
    const lastBuild = { id: 3, isReady: false, reason: 'the setup ended with 1', at: 5 };
    cli.api.imageStatuses = [status, status, { ...status, building: [], lastBuild }];
    const { code, err } = await cli.ask('wait', 'image', 'rax-ord', 'precise');
    expect(code).toBe(1);
    expect(err).toContain('the build of image 3 failed: the setup ended with 1');
  });

  it('is not deterred by a build that failed before', async () => {
    const lastBuild = { id: 2, isReady: false, reason: 'no room', at: 5 };
    cli.api.imageStatuses = [{ ...status, building: [], plan: 'it rests', lastBuild }];
    await cli.serve();
    expect(await cli.ask('wait', 'image', 'rax-ord', 'precise')).toMatchObject({
      code: 8,
      err: 'nodepool: waited in vain: there is no image precise of rax-ord: it rests\n',
    });
  });
});

describe('progress of images', () => {
  const building = image(3, { state: 'building', step: 'upload', progress: '15 of 60 MiB' });

  it('image-list draws it on a terminal alone', async () => {
    cli.api.imageViews = [building];
    await cli.serve();
    expect((await cli.ask('image-list')).out).toContain('| building |');
    cli.isTerminal = true;
    expect((await cli.ask('image-list')).out).toContain('| building [######----] upload 15 of 60 MiB |');
  });

  it('image-update draws a bar on a terminal, and says each step elsewhere', async () => {
    const status = { provider: 'rax-ord', image: 'precise', candidate: null, isPaused: false, plan: '' };
    const underWay = { ...status, current: null, building: [building], restsUntil: null, lastBuild: null };
    const over = {
      ...underWay,
      current: image(3),
      building: [],
      lastBuild: { id: 3, isReady: true, reason: null, at: 1 },
    };
    cli.api.imageOutcome = { kind: 'done', image: building };
    await cli.serve();
    cli.api.imageStatuses = [underWay, over];
    expect((await cli.ask('image-update', 'rax-ord', 'precise')).err).toBe('image 3: upload\n');
    cli.api.imageStatuses = [underWay, over];
    cli.progressColumns = 80;
    const { err, out } = await cli.ask('image-update', 'rax-ord', 'precise');
    expect(err).toBe('\r\u001b[Kimage 3: [###########---------] upload 15 of 60 MiB\r\u001b[K');
    expect(out).toContain('| ready |');
  });
});

it('watch prints one JSON object on each line, until interrupted', async () => {
  await cli.serve();
  const event = { at: 0, type: 'node.ready', message: 'node 1 is ready', node: 1 };
  const texts = { out: '', err: '' };
  const context = cli.context(texts);
  const running = runCli(['--socket', cli.socket, 'watch', '-o', 'json'], context);
  while (texts.out === '') {
    cli.api.emit(event);
    await new Promise(resolve => setImmediate(resolve));
  }
  cli.interrupt.abort();
  expect(await running).toBe(0);
  expect(JSON.parse(texts.out.split('\n')[0] ?? '')).toEqual(event);
});

it('version names both programs, and is no failure without a daemon', async () => {
  expect((await cli.ask('version')).err).toContain('no daemon');
  await cli.serve();
  expect((await cli.ask('version')).out).toMatch(/^nodepool \d+\.\d+\.\d+\nnodepoold 9\.9\.9\n$/);
  expect((await cli.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('completion knows every command', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await cli.run('completion', shell);
    expect(code).toBe(0);
    for (const name of ['image-list', 'config-validate', 'wait']) expect(out).toContain(name);
  }
});

describe('wrong usage ends with 2', () => {
  it.each([
    [[]],
    [['lst']],
    [['hold']],
    [['hold', 'seven']],
    [['hold', '0']],
    [['hold', '7', '--for', 'ever']],
    [['list', 'more']],
    [['list', '-o', 'xml']],
    [['list', '--nope']],
    [['plan', '--demand', 'precise']],
    [['plan', '--demand', 'precise=-1']],
    [['wait', '--empty', '--ready', 'precise=1']],
    [['wait', '--empty', 'node', '7']],
    [['plan', '--empty', '--file', 'next.yaml']],
    [['wait', 'node', '7', '--for', 'nothing']],
    [['completion', 'tcsh']],
  ])('%j', async argv => {
    const { code, out, err } = await cli.run(...argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).not.toBe('');
  });

  it('but help is none', async () => {
    const { code, out } = await cli.run('hold', '--help');
    expect(code).toBe(0);
    expect(out).toContain('--reason <text>');
    expect(out).toContain('--socket <path>');
  });
});

describe('the daemon is looked for', () => {
  it('at --socket, then NODEPOOLD_SOCKET, without any configuration', async () => {
    await cli.serve(cli.path('one.sock'));
    cli.env['NODEPOOLD_SOCKET'] = cli.path('two.sock');
    expect((await cli.run('tree', '--socket', cli.path('one.sock'))).code).toBe(0);
    expect(await cli.run('tree')).toMatchObject({ code: 5 });
    cli.env['NODEPOOLD_SOCKET'] = cli.path('one.sock');
    expect((await cli.run('tree')).code).toBe(0);
  });

  it("then at the configuration's control.socket", async () => {
    await cli.serve();
    const config = await cli.configure(`control: {socket: ${cli.socket}}\n`);
    expect((await cli.run('tree', ...config)).code).toBe(0);
  });

  it('then in the folder of the package if it exists, else in the state directory', async () => {
    const config = await cli.configure();
    expect((await cli.run('tree', ...config)).err).toContain(cli.path('state/nodepoold.sock'));
    await mkdir(cli.path('run'));
    expect((await cli.run('tree', ...config)).err).toContain(cli.path('run/nodepoold.sock'));
    await cli.serve(cli.path('run/nodepoold.sock'));
    expect((await cli.run('tree', ...config)).code).toBe(0);
  });

  it('also where the usual configuration is missing, but not where a named one is', async () => {
    await mkdir(cli.path('run'));
    await cli.serve(cli.path('run/nodepoold.sock'));
    expect((await cli.run('tree')).code).toBe(0);
    const { code, err } = await cli.run('tree', '-c', cli.path('missing.yaml'));
    expect(code).toBe(6);
    expect(err).toContain(`${cli.path('missing.yaml')}: there is no such file\n`);
  });
});

it('a database that is asked instead of a daemon is named where it does not answer', async () => {
  cli.store.attachFault = new Fault('store.away', 'connect ECONNREFUSED 127.0.0.1:5432');
  const { code, err } = await cli.run('list', ...(await cli.configure()));
  expect(code).toBe(1);
  expect(err.split('\n').at(-2)).toBe(
    'nodepool: the database at localhost:5432/nodepool: connect ECONNREFUSED 127.0.0.1:5432; ' +
      'check dburi and that the database server runs',
  );
});

it('a broken configuration ends with 6, every problem at its line', async () => {
  const config = await cli.configure('labels: []\nlables: []\nmax: 3\n');
  const { code, out, err } = await cli.run('plan', '--empty', ...config);
  expect(code).toBe(6);
  expect(out).toBe('');
  expect(err).toContain('nodepool.yaml:2:1: ');
  expect(err).toContain('nodepool.yaml:3:1: ');
  expect((await cli.run('config-validate', ...config)).code).toBe(6);
  expect((await cli.run('config-validate', ...(await cli.configure()))).code).toBe(0);
});
