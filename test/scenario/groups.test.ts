/** Stories of nodes that come in groups (reference 9 and 10), and of what is written and run on machines. */
import { expect, test, describe } from 'vitest';
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import type { ShellJob, ShellLogin } from '../../src/ports/shell.js';
import { snapshotImage } from '../support/pool-config.js';
import { startPool, type Pool, type PoolWish } from '../support/pool.js';

const multi = (more: Partial<NonNullable<PoolWish['labels']>[number]> = {}, rest: PoolWish = {}): PoolWish => ({
  labels: [{ name: 'multi', subnodes: 2, minReady: 1, ...more }],
  ...rest,
});

interface Done {
  readonly login: ShellLogin;
  readonly job: ShellJob;
}

/** Everything that is done over SSH from now on. */
function listen(pool: Pool): Done[] {
  const jobs: Done[] = [];
  pool.sshJob = (job, login) => {
    jobs.push({ job, login });
    return {};
  };
  return jobs;
}

/** The content of each file, by host and name. */
function written(jobs: readonly Done[]): Record<string, Record<string, string>> {
  const files: Record<string, Record<string, string>> = {};
  for (const { job, login } of jobs) {
    for (const { path, content } of job.files) {
      (files[login.host] ??= {})[path.replace('/etc/nodepool/', '')] = String(content);
    }
  }
  return files;
}

const creates = (pool: Pool): number => pool.cloud().calls.filter(({ op }) => op === 'createServer').length;

test('a group is ready when all its machines are, in the zone of its first one, and only that one is in Jenkins', async () => {
  const pool = await startPool(multi());
  await pool.rest();
  const row = pool.one('ready', 'multi');
  expect(row.subnodes.map(({ state, step }) => [state, step])).toEqual([
    ['ready', null],
    ['ready', null],
  ]);
  expect(pool.servers()).toHaveLength(3);
  expect(pool.slaves()).toEqual([row.nodename]);
  const zones = pool.cloud().servers.map(({ az }) => az);
  expect(new Set(zones).size).toBe(1);
  expect(row.subnodes.every(({ hostKey, ip, hostname }) => hostKey !== null && ip !== null && hostname !== null)).toBe(
    true,
  );
  pool.checkAtRest();
});

test('every machine of a group is told of the others, subnodes first, and gets one key', async () => {
  const pool = await startPool(multi());
  const jobs = listen(pool);
  await pool.rest();
  const row = pool.one('ready', 'multi');
  const subs = row.subnodes.map(({ ip }) => ip ?? '');
  expect(jobs.map(({ login }) => login.host)).toEqual([...subs, row.ip]);
  const files = written(jobs);
  const common = { primary_node: `${row.ip}\n`, sub_nodes: `${subs.join('\n')}\n` };
  expect(files[row.ip ?? '']).toMatchObject({ ...common, role: 'primary\n', node: `${row.ip}\n` });
  for (const ip of subs) expect(files[ip]).toMatchObject({ ...common, role: 'sub\n', node: `${ip}\n` });
  expect(new Set(Object.values(files).map(each => each['id_rsa'])).size).toBe(1);
  expect(pool.groupKeys).toBe(1);
});

test.each(['sub', 'primary'])('a group whose %s cannot be given its files is not ready, lesson 132', async role => {
  const pool = await startPool(multi());
  let isFull = true;
  pool.sshJob = job => {
    const text = job.files.find(({ path }) => path === '/etc/nodepool/role')?.content;
    return isFull && text === `${role}\n` ? { fault: 'ssh.command' } : {};
  };
  const failures = () => pool.happened.filter(({ type }) => type === 'node.launch-failed');
  await pool.until(() => failures().length === 2);
  expect(pool.in('ready')).toEqual([]);
  expect(failures()[0]?.message).toContain('ssh.command');
  expect(pool.slaves()).toEqual([]);
  isFull = false;
  await pool.rest(3_600_000);
  pool.checkAtRest();
});

describe('a single node', () => {
  const single = { labels: [{ name: 'bare', minReady: 1 }] };
  const snapshot = {
    labels: [{ name: 'bare', image: 'snap', minReady: 1 }],
    providers: [{ name: 'alpha', images: [snapshotImage()] }],
  };
  const whileWriting = (pool: Pool, fault: FaultKind): void => {
    pool.sshJob = ({ files }) => (files.length > 0 ? { fault } : {});
  };

  test('without a script is told that it is alone, over the connection that finds it', async () => {
    const pool = await startPool(single);
    const jobs = listen(pool);
    await pool.rest();
    const row = pool.one('ready');
    expect(jobs).toHaveLength(1);
    const files = written(jobs)[row.ip ?? ''];
    expect(files).toMatchObject({
      role: 'primary\n',
      primary_node: `${row.ip}\n`,
      sub_nodes: '',
      uuid: `${row.serverId}\n`,
    });
    expect(files).not.toHaveProperty('id_rsa');
    expect(pool.groupKeys).toBe(0);
  });

  test('of an image that was not made here has perhaps no place for the files, and is ready all the same', async () => {
    const pool = await startPool(single);
    whileWriting(pool, 'ssh.command');
    await pool.rest();
    const { id } = pool.one('ready');
    const told = pool.log.find(({ message }) => message.startsWith(`node ${id}: nothing is written to /etc/nodepool`));
    expect(told).toMatchObject({ level: 'info', node: Number(id) });
    pool.checkAtRest();
  });

  test.each([
    ['an image that was made here', snapshot],
    ['a label with a script', { labels: [{ name: 'bare', minReady: 1, readyScript: 'ready.sh' }] }],
  ])('of %s is not ready without its files, lesson 132', async (_of, wish) => {
    const pool = await startPool(wish);
    await pool.until(() => pool.rows().some(({ step }) => step === 'ssh'), 3_600_000);
    whileWriting(pool, 'ssh.command');
    await pool.until(() => pool.happened.some(({ type }) => type === 'node.launch-failed'));
    expect(pool.in('ready')).toEqual([]);
    pool.sshJob = () => ({});
    await pool.rest();
    pool.checkAtRest();
  });

  test('whose first try to write fails for the connection alone gets its files at the second', async () => {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 1, readyScript: 'ready.sh' }] });
    let tries = 0;
    pool.sshJob = ({ files }) => (files.length > 0 && tries++ === 0 ? { fault: 'ssh.unreachable' } : {});
    await pool.rest();
    expect(tries).toBe(2);
    expect(pool.happened.filter(({ type }) => type === 'node.launch-failed')).toEqual([]);
    pool.checkAtRest();
  });
});

describe('a ready script', () => {
  test('runs on each machine, the first one last, with the variables of the daemon quoted, lesson 136', async () => {
    const pool = await startPool(multi({ readyScript: "it's ready.sh" }));
    delete pool.builds.environment['NODEPOOL_SSH_KEY'];
    pool.builds.environment['NODEPOOL_A'] = `it's "$HOME" \`x\`\nline`;
    const jobs = listen(pool);
    await pool.rest();
    const row = pool.one('ready', 'multi');
    const scripts = jobs.filter(({ job }) => job.command !== null);
    expect(scripts.map(({ login }) => login.host)).toEqual([...row.subnodes.map(({ ip }) => ip), row.ip]);
    expect(scripts.at(-1)?.job.command).toBe(
      `cd /opt/nodepool-scripts && NODEPOOL_A='it'\\''s "$HOME" \`x\`\nline' ./'it'\\''s ready.sh' '${row.hostname}'`,
    );
  });

  test('of a single node runs after its files, and before Jenkins has it', async () => {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 1, readyScript: 'ready.sh' }] });
    const seen: [string, number][] = [];
    pool.sshJob = job => {
      seen.push([job.command === null ? 'files' : 'script', pool.slaves().length]);
      return {};
    };
    await pool.rest();
    expect(seen).toEqual([
      ['files', 0],
      ['script', 0],
    ]);
    expect(pool.slaves()).toHaveLength(1);
  });

  test.each([
    ['fails', { exitCode: 3, output: 'E: no mirror' }, 'ready.sh ended with 3 on', 'E: no mirror'],
    ['is killed', { exitCode: null, signal: 'KILL' }, 'ready.sh was ended by KILL on', 'without a word'],
    ['hangs, lesson 125,', { tookMs: 1e9 }, 'not done within', ''],
    ['breaks the connection', { fault: 'ssh.unreachable' as const }, 'ssh.unreachable', ''],
  ])('that %s fails the launch, with its words, and the node is replaced', async (_how, ending, told, said) => {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 1, readyScript: 'ready.sh' }] });
    let scripts = 0;
    pool.sshJob = ({ command }) => (command !== null && scripts++ === 0 ? ending : {});
    await pool.rest(10 * 3_600_000);
    const failure = pool.happened.find(({ type }) => type === 'node.launch-failed');
    expect(failure?.message).toContain(told);
    expect(failure?.message).toContain(said);
    expect(pool.in('ready', 'bare')).toHaveLength(1);
    pool.checkAtRest();
  });
});

describe('a subnode that is lost', () => {
  test('is replaced when its server is gone, and the group never has more room than it was granted', async () => {
    const pool = await startPool(multi({}, { providers: [{ name: 'alpha', maxServers: 3 }] }));
    let refused = 0;
    pool.sshAnswer = ({ host }) => {
      const isSub = pool.rows().some(row => row.subnodes.some(({ ip }) => ip === host));
      return isSub && refused++ < 1 ? 'ssh.host-key' : null;
    };
    await pool.rest(3_600_000);
    expect(creates(pool)).toBe(4);
    expect(pool.one('ready', 'multi').subnodes).toHaveLength(2);
    // Never more than three at any moment, says the cloud.
    pool.checkAtRest();
  });

  test('again and again makes the whole group fail, with the reason, and nothing of it is left', async () => {
    const pool = await startPool(multi());
    let isBroken = true;
    pool.sshAnswer = ({ host }) => {
      const isSub = pool.rows().some(row => row.subnodes.some(({ ip }) => ip === host));
      return isBroken && isSub ? 'ssh.host-key' : null;
    };
    await pool.until(() => pool.happened.some(({ type }) => type === 'node.launch-failed'), 3_600_000);
    const failure = pool.happened.find(({ type }) => type === 'node.launch-failed');
    expect(failure?.message).toContain('launches of its subnodes failed');
    isBroken = false;
    await pool.rest(3_600_000);
    expect(pool.one('ready', 'multi').subnodes).toHaveLength(2);
    pool.checkAtRest();
  });

  test('is waited for no longer than subnode-wait, and a group without it is no group, lesson 153', async () => {
    const pool = await startPool(multi({}, { timings: { subnodeWait: 100_000 } }));
    let stuck: string | null = null;
    pool.sshAnswer = ({ host }) => {
      const isSub = pool.rows().some(row => row.subnodes.some(({ ip }) => ip === host));
      if (isSub) stuck ??= host;
      return stuck === host ? 'ssh.timeout' : null;
    };
    await pool.until(() => pool.happened.some(({ type }) => type === 'node.launch-failed'));
    const failure = pool.happened.find(({ type }) => type === 'node.launch-failed');
    expect(failure?.message).toContain('only 1 of 2 subnodes are ready in time');
    await pool.rest();
    expect(pool.one('ready', 'multi').subnodes).toHaveLength(2);
    pool.checkAtRest();
  });
});

describe('a subnode whose server is gone from the cloud', () => {
  const minuteMs = 60_000;

  /** The first subnode's server is deleted by somebody; resolves with what it was. */
  const lose = (pool: Pool, id: number): string => {
    const server = pool.row(id)?.subnodes.find(({ state }) => state === 'ready')?.serverId;
    if (!server) throw new Error(`node ${id} has no ready subnode`);
    pool.cloud().vanish(server);
    return server;
  };

  test('has its ready group replaced, after a second look and with the reason', async () => {
    const pool = await startPool(multi());
    await pool.rest();
    const { id } = pool.one('ready', 'multi');
    const server = lose(pool, id);
    await pool.advance(minuteMs);
    expect(pool.row(id)?.state).toBe('ready');
    await pool.until(() => pool.row(id) === null);
    const told = pool.log.find(({ message }) => message.startsWith(`node ${id}: the server of one of its subnodes`));
    expect(told).toBeDefined();
    await pool.rest();
    expect(pool.one('ready', 'multi').subnodes).toHaveLength(2);
    expect(pool.servers()).not.toContain(server);
    pool.checkAtRest();
  });

  test('has its group replaced by the next daemon, where this one has not seen it', async () => {
    const pool = await startPool(multi());
    await pool.rest();
    const { id } = pool.one('ready', 'multi');
    pool.crash();
    lose(pool, id);
    await pool.restart();
    await pool.until(() => pool.row(id) === null);
    await pool.rest();
    pool.checkAtRest();
  });

  test('is replaced by itself while its group waits for others, and the grant is kept', async () => {
    const pool = await startPool(multi({}, { providers: [{ name: 'alpha', maxServers: 3 }] }));
    let stuck: string | null = null;
    pool.sshAnswer = ({ host }) => {
      const subnodes = pool.rows().flatMap(row => row.subnodes);
      if (subnodes.some(({ ip }) => ip === host)) stuck ??= host;
      return stuck === host ? 'ssh.timeout' : null;
    };
    await pool.until(() => pool.rows()[0]?.subnodes.some(({ state }) => state === 'ready') ?? false);
    const { id, serverId } = pool.one('building', 'multi');
    // Its actor is another one than the one that launched it.
    pool.crash();
    const server = lose(pool, id);
    await pool.restart();
    await pool.until(() => pool.row(id)?.subnodes.every(subnode => subnode.serverId !== server) ?? false);
    stuck = '';
    await pool.rest(3_600_000);
    expect(pool.one('ready', 'multi')).toMatchObject({ id, serverId });
    expect(pool.one('ready', 'multi').subnodes).toHaveLength(2);
    pool.checkAtRest();
  });

  test('leaves a job alone that runs on its group, and a held group held, which says so once', async () => {
    const pool = await startPool(multi({ minReady: 2 }, { providers: [{ name: 'alpha', maxServers: 12 }] }));
    await pool.rest();
    const [used, held] = pool.in('ready', 'multi');
    if (!used || !held) throw new Error('there are not two groups');
    pool.jobs.start(used.nodename ?? ('' as never));
    await pool.until(() => pool.row(used.id)?.state === 'used');
    await pool.hold(held.id, { reason: 'looking at it' });
    await pool.rest();
    lose(pool, used.id);
    lose(pool, held.id);
    await pool.advance(5 * minuteMs);
    expect(pool.row(used.id)?.state).toBe('used');
    const { state, lastError, revision } = pool.row(held.id) ?? {};
    expect(state).toBe('hold');
    expect(lastError).toMatch(/of subnode \d+ is gone from the cloud/);
    await pool.advance(5 * minuteMs);
    expect(pool.row(held.id)?.revision).toBe(revision);
    await pool.release(held.id);
    await pool.until(() => pool.row(held.id) === null);
    pool.jobs.finish(used.nodename ?? ('' as never));
    await pool.rest();
    pool.checkAtRest();
  });
});

test('a group keeps the size that it was granted, whatever the configuration says later, lesson 157', async () => {
  const pool = await startPool(multi());
  await pool.rest();
  const { id } = pool.one('ready', 'multi');
  for (const subnodes of [3, 0]) {
    await pool.reload({ ...pool.config, labels: pool.config.labels.map(label => ({ ...label, subnodes })) });
    await pool.advance(120_000);
    expect(pool.row(id)?.subnodes).toHaveLength(2);
  }
  const other = await startPool(multi());
  await other.until(() => other.rows()[0]?.step === 'group');
  await other.reload({ ...other.config, labels: other.config.labels.map(label => ({ ...label, subnodes: 1 })) });
  await other.rest();
  expect(other.one('ready', 'multi').subnodes).toHaveLength(2);
  other.checkAtRest();
});

test('a group whose label is taken out of the configuration is finished and stops nothing, lesson 156', async () => {
  const pool = await startPool(multi({}, { labels: [{ name: 'multi', subnodes: 2, minReady: 1 }, { name: 'bare' }] }));
  await pool.until(() => pool.rows().some(row => row.label === 'multi' && row.step === 'group'));
  await pool.reload({ ...pool.config, labels: pool.config.labels.filter(({ name }) => name === 'bare') });
  await pool.advance(300_000);
  for (const row of pool.rows()) expect(row.state, row.label).toBe('ready');
  const [group] = pool.rows().filter(({ label }) => label === 'multi');
  await pool.delete(group?.id ?? 0);
  await pool.rest();
  pool.checkAtRest();
});

test('a node that is being deleted gets no new subnodes, lesson 155', async () => {
  const pool = await startPool(multi());
  await pool.rest();
  const { id } = pool.one('ready', 'multi');
  pool.master().always('deleteNode', new Fault('jenkins.unreachable', 'down'));
  await pool.delete(id);
  await pool.advance(300_000);
  // Its slave holds the row; its servers are gone, and no others have come.
  expect(pool.row(id)).toMatchObject({ state: 'delete', subnodes: [] });
  pool.master().always('deleteNode', null);
  await pool.until(() => pool.row(id) === null, 3_600_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a group is deleted with all its machines, the subnodes first', async () => {
  const pool = await startPool(multi());
  await pool.rest();
  const { id, serverId, subnodes } = pool.one('ready', 'multi');
  const subs = subnodes.map(each => each.serverId);
  await pool.delete(id);
  await pool.until(() => pool.row(id) === null);
  const deletes = pool
    .cloud()
    .calls.filter(({ op }) => op === 'deleteServer')
    .map(({ subject }) => subject);
  expect(deletes.slice(0, 2).toSorted()).toEqual(subs.toSorted());
  expect(deletes[2]).toBe(serverId);
  await pool.rest();
  pool.checkAtRest();
});

test('a group that is deleted while it is launched leaves nothing, whatever was under way, lessons 152 and 154', async () => {
  for (let atMs = 0; atMs < 60_000; atMs += 2_500) {
    const pool = await startPool(multi());
    await pool.advance(atMs);
    const [row] = pool.rows();
    if (row) await pool.delete(row.id);
    await pool.until(() => row === undefined || pool.row(row.id) === null, 3_600_000);
    await pool.rest();
    pool.checkAtRest();
  }
});

test('a launch of a group goes on where a crash met it, at whatever moment, and makes no machine twice', async () => {
  for (let atMs = 500; atMs < 60_000; atMs += 2_500) {
    const pool = await startPool(multi({ readyScript: 'ready.sh' }));
    await pool.advance(atMs);
    pool.crash();
    await pool.advance(1_000);
    await pool.restart();
    await pool.rest(3_600_000);
    expect(creates(pool), `crash after ${atMs} ms`).toBe(3);
    pool.checkAtRest();
  }
});

test('a delete of a group goes on where a crash met it, at whatever moment', async () => {
  for (let atMs = 0; atMs < 12_000; atMs += 1_500) {
    const pool = await startPool(multi());
    await pool.rest();
    const { id } = pool.one('ready');
    await pool.delete(id);
    await pool.advance(atMs);
    pool.crash();
    await pool.restart();
    await pool.until(() => pool.row(id) === null, 3_600_000);
    await pool.rest();
    pool.checkAtRest();
  }
});

test('a database that goes away in the middle of a group delays it and loses nothing', async () => {
  for (let atMs = 2_000; atMs < 40_000; atMs += 4_000) {
    const pool = await startPool(multi());
    await pool.advance(atMs);
    pool.store.away();
    await pool.advance(30_000);
    pool.store.back();
    await pool.until(() => pool.state('/store')?.startsWith('ready') ?? false, 3_600_000);
    await pool.rest(3_600_000);
    expect(creates(pool), `away after ${atMs} ms`).toBe(3);
    pool.checkAtRest();
  }
});

test('a subnode whose create was answered by nobody is found by its tag, and not made twice', async () => {
  const pool = await startPool(multi());
  await pool.until(() => pool.rows()[0]?.step === 'group');
  pool.cloud().next('createServer', { loseReply: new Fault('cloud.timeout', 'no answer') });
  await pool.rest(3_600_000);
  expect(pool.servers()).toHaveLength(3);
  expect(creates(pool)).toBe(3);
  pool.checkAtRest();
});

test('groups fill a cloud to its last whole group, and a single node takes the rest', async () => {
  const pool = await startPool({
    labels: [
      { name: 'multi', subnodes: 2, minReady: 4 },
      { name: 'bare', minReady: 1 },
    ],
    providers: [{ name: 'alpha', maxServers: 8 }],
  });
  await pool.advance(300_000);
  expect(pool.in('ready', 'multi').length * 3 + pool.in('ready', 'bare').length).toBeGreaterThanOrEqual(7);
  expect(pool.cloud().serversPeak).toBeLessThanOrEqual(8);
  pool.check();
});

test('the machines of a group go on when the actor that holds them has a new life, on their way in and out', async () => {
  const pool = await startPool(multi());
  const holder = '/providers/alpha/nodes/1/subnodes';
  await pool.until(() => pool.state(holder) === '2 with something to do');
  await pool.answer(pool.api.restart(holder));
  await pool.rest();
  pool.cloud().deleteMs = 60_000;
  await pool.delete(1);
  await pool.until(() => pool.row(1)?.step === 'servers');
  await pool.advance(5_000);
  await pool.answer(pool.api.restart(holder));
  await pool.advance(1_000);
  expect(pool.state(holder)).toBe('2 with something to do');
  await pool.until(() => pool.row(1) === null);
  await pool.rest();
  pool.checkAtRest();
});
