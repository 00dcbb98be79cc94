/**
 * The daemon on a database that the original left: real servers and slaves behind its rows, and none of our columns. The
 * statements of the original run on it before, while and after ours does.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NodeView } from '../../src/ports/control.js';
import type { SqlServer } from '../contract/store.sql-world.js';
import { E2ePool } from '../support/e2e-pool.js';

/** Reference 4.2. */
const originalColumns: Readonly<Record<string, readonly string[]>> = {
  node: 'id provider_name label_name target_name hostname nodename external_id az ip state state_time'.split(' '),
  subnode: 'id node_id hostname external_id ip state state_time'.split(' '),
  snapshot_image: 'id provider_name image_name hostname version external_id server_external_id state state_time'.split(
    ' ',
  ),
};
const codes = { building: 1, ready: 2, used: 3, delete: 4, hold: 5, test: 6 } as const;

export function adoptionSuite(name: string, start: () => Promise<SqlServer>): void {
  describe(`a database of the original on ${name}`, () => {
    let server: SqlServer;
    let pool: E2ePool | null = null;

    beforeAll(async () => {
      server = await start();
    });
    afterEach(async () => {
      await pool?.close();
      pool = null;
    });
    afterAll(() => server.stop());

    it('is adopted with its nodes in every state, and the original can work on it all the while', async () => {
      const dburi = await server.create('adopted');
      const sql = (statement: string) => server.run(dburi, statement);
      pool = await E2ePool.open({
        dburi,
        clouds: { east: {} },
        labels: { small: 6 },
        providers: { east: { 'max-servers': 16 } },
        timings: { 'test-cleanup': 1 },
      });
      // Cleanups come each minute; a sixth field makes it seconds.
      writeFileSync(pool.config, `cron: { cleanup: '* * * * * */2' }\n${readFileSync(pool.config, 'utf8')}`);
      await pool.start();
      const made = await pool.untilAtRest(6);
      pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 20_000 });
      await pool.untilNodes(nodes => nodes.some(node => node.state === 'used'));
      const used = (await pool.nodes()).find(node => node.state === 'used');
      if (!used) throw new Error('one is used');
      await pool.stop();

      await forgetWhatIsOurs(sql);
      const [ready, held, tested, deleted, building] = made.filter(({ id }) => id !== used.id);
      if (!ready || !held || !tested || !deleted || !building) throw new Error('there are six');
      await sql(`delete from node where id not in (${made.map(({ id }) => id).join(', ')})`);
      // What was launched in place of the used one goes with its row, or it would be a leak of this test.
      const kept = new Set(made.map(({ serverId }) => serverId));
      for (const cloud of pool.world.clouds.values()) {
        for (const { id } of cloud.servers()) if (!kept.has(id)) cloud.destroyServer(id);
      }
      const setState = (node: NodeView, state: keyof typeof codes) =>
        sql(`update node set state = ${codes[state]}, state_time = ${seconds() - 60} where id = ${node.id}`);
      await setState(held, 'hold');
      await setState(tested, 'test');
      await setState(deleted, 'delete');
      await setState(building, 'building');
      await insertNode(sql, { state: 'building', nodename: null });
      await sql(`insert into subnode (node_id, hostname, state, state_time) values (${deleted.id}, 'sub', 1, 1)`);
      await sql(
        `insert into snapshot_image (provider_name, image_name, hostname, version, state, state_time)
          values ('east', 'precise', 'template', 1400000000, ${codes.building}, 1400000000)`,
      );

      await pool.start();
      await pool.untilNodes(nodes => {
        const states = new Map(nodes.map(node => [node.id, node.state]));
        const isGone = [tested, deleted, building].every(({ id }) => !states.has(id));
        const isSettled = nodes.every(({ state }) => state === 'ready' || state === 'used' || state === 'hold');
        return isGone && isSettled && nodes.filter(({ state }) => state === 'ready').length === 6;
      });
      const after = new Map((await pool.nodes()).map(node => [node.id, node]));
      expect(after.get(ready.id)).toMatchObject({ state: 'ready', serverId: ready.serverId, nodename: ready.nodename });
      expect(after.get(held.id)).toMatchObject({ state: 'hold', serverId: held.serverId });
      expect(await sql('select id from subnode')).toEqual([]);

      // The end of the job that was running under the original is heard, and its node goes.
      await pool.untilNodes(nodes => nodes.every(({ id }) => id !== used.id));
      // The original's own tools go on to work beside us.
      await insertNode(sql, { state: 'delete', nodename: 'from-the-original' });
      await pool.untilNodes(nodes => nodes.every(({ nodename }) => nodename !== 'from-the-original'));
      await sql(`update node set state = ${codes.delete}, state_time = ${seconds()} where id = ${held.id}`);
      await pool.cli('delete', String(held.id));
      await pool.untilNodes(nodes => nodes.length === 6 && nodes.every(({ state }) => state === 'ready'));
      expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
      expect(await pool.stop()).toBe(0);

      // And back again: the original reads what it knows, and writes it.
      for (const [table, columns] of Object.entries(originalColumns))
        await sql(`select ${columns.join(', ')} from ${table}`);
      await insertNode(sql, { state: 'ready', nodename: 'another' });
      await sql(`update node set state = ${codes.used}, state_time = ${seconds()} where id = ${ready.id}`);
      expect(await sql(`select state from node where id = ${ready.id}`)).toEqual([{ state: codes.used }]);
    });
  });
}

type Sql = (statement: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

const seconds = (): number => Math.floor(Date.now() / 1000);

/** As the original's INSERT, which names its own columns alone. */
async function insertNode(sql: Sql, node: { state: keyof typeof codes; nodename: string | null }): Promise<void> {
  const nodename = node.nodename === null ? 'null' : `'${node.nodename}'`;
  await sql(
    `insert into node (provider_name, label_name, target_name, hostname, nodename, external_id, az, ip, state, state_time)
      values ('east', 'small', 'jenkins01', ${nodename}, ${nodename}, null, null, null, ${codes[node.state]}, ${seconds() - 60})`,
  );
}

/** What is left is what the original would have left. */
async function forgetWhatIsOurs(sql: Sql): Promise<void> {
  const schema = `table_schema in (${await schemaOf(sql)})`;
  const tables = await sql(`select table_name as name from information_schema.tables where ${schema}`);
  for (const { name } of tables) {
    if (!Object.hasOwn(originalColumns, String(name))) await sql(`drop table ${String(name)}`);
  }
  for (const [table, columns] of Object.entries(originalColumns)) {
    const found = await sql(
      `select column_name as name from information_schema.columns where ${schema} and table_name = '${table}'`,
    );
    for (const { name } of found) {
      if (!columns.includes(String(name))) await sql(`alter table ${table} drop column ${String(name)}`);
    }
  }
}

/** PostgreSQL and MySQL mean different things by it. */
async function schemaOf(sql: Sql): Promise<string> {
  const [version] = await sql('select version() as text');
  return String(version?.['text']).startsWith('PostgreSQL') ? 'current_schema()' : 'database()';
}
