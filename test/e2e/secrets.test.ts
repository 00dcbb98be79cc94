/** Secrets are planted everywhere that they may come from, and looked for everywhere that the programs speak. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodepoold } from '../support/daemon.js';
import { E2ePool } from '../support/e2e-pool.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startSqlProxy, type SqlProxy } from '../support/sql-proxy.js';
import { cloudOf, masterOf } from '../support/world.js';

const tokens = { read: 'planted-read-token-5512', write: 'planted-write-token-8841' };
const reads = ['/', '/metrics', '/readyz', ...['nodes', 'images', 'tree', 'plan', 'jobs'].map(of => `/api/v1/${of}`)];

describe('secrets', () => {
  let postgres: Postgres;
  let proxy: SqlProxy;
  let pool: E2ePool;
  /** Everything that was said, by whom. */
  const said: [string, string][] = [];
  const planted: Record<string, string> = { ...tokens };

  beforeAll(async () => {
    postgres = await startPostgres();
    proxy = await startSqlProxy(postgres.port);
    const dburi = postgres.dburi.replace(`:${postgres.port}/`, `:${proxy.port}/`);
    pool = await E2ePool.open({
      dburi,
      clouds: { east: {} },
      labels: { small: 1 },
      providers: { east: { 'max-servers': 4 } },
      more: ({ dir, socket }) => ({
        control: {
          socket,
          http: '127.0.0.1:0',
          'read-token-file': join(dir, 'read-token'),
          'write-token-file': join(dir, 'write-token'),
        },
      }),
    });
    for (const [name, token] of Object.entries(tokens)) writeFileSync(join(pool.dir, `${name}-token`), `${token}\n`);
    writeFileSync(join(pool.dir, 'logging.yaml'), 'level: debug\noutputs: [{file: null}]\n');
    const [, key = ''] = readFileSync(pool.world.ssh.privateKeyFile, 'utf8').split('\n');
    Object.assign(planted, {
      'password of the cloud': cloudOf(pool.world, 'east').password,
      'key of the master': masterOf(pool.world).apikey,
      'authorization of the master': btoa(`${masterOf(pool.world).user}:${masterOf(pool.world).apikey}`),
      'password of the database': decodeURIComponent(new URL(dburi).password),
      'private key': key,
    });
  });
  afterAll(async () => {
    await pool.close();
    await proxy.close();
    await postgres.stop();
  });

  const hear = (who: string, words: string): void => void said.push([who, words]);
  const hearAll = async (when: string): Promise<void> => {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(pool.daemon.stderr())?.[0] ?? '';
    for (const path of reads) {
      const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${tokens.read}` } });
      hear(`${path} ${when}`, await answer.text());
    }
    for (const command of ['list', 'tree', 'plan', 'config-validate', 'image-list']) {
      const { stdout, stderr } = await pool.cli(command);
      hear(`nodepool ${command} ${when}`, stdout + stderr);
    }
    process.kill(pool.daemon.pid, 'SIGUSR2');
    await pool.until(() => pool.daemon.stderr().includes('stack_dump'));
  };

  it('are in no log, no list, no tree, no answer, no error and no file of ours, whatever goes wrong', async () => {
    await pool.start({ args: ['-l', join(pool.dir, 'logging.yaml')] });
    await pool.untilAtRest(1);
    await hearAll('while all is well');

    const east = cloudOf(pool.world, 'east');
    // As a proxy does that shows in its error page what it was asked.
    const refusal = (secret: string) => ({ kind: 'answer', status: 401, body: `you sent "${secret}"` }) as const;
    east.revokeTokens();
    east.faults.rate('authenticate', 1, refusal(east.password));
    const master = masterOf(pool.world);
    master.faults.rate('*', 1, refusal(`${master.apikey} ${btoa(`${master.user}:${master.apikey}`)}`));
    pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 10 });
    await pool.until(async () => (await pool.actor('/providers/east/cloud')).state.includes('401'));
    await pool.until(async () => (await pool.actor('/targets/jenkins01')).state.includes('401'));
    await proxy.close();
    await pool.until(async () => (await pool.actor('/store')).state.startsWith('away'));
    await hearAll('while nothing works');

    const good = readFileSync(pool.config, 'utf8');
    const spoilt = good.replace(`password: ${east.password}`, `password: "${east.password}`);
    expect(spoilt).not.toBe(good);
    for (const text of [spoilt, good.replace('dburi: postgresql:', 'dburi: postgresq:'), `${good}\nnonsense: [`]) {
      writeFileSync(pool.config, text);
      hear('config-validate', JSON.stringify(await pool.cli('config-validate')));
      hear('config-validate -o json', JSON.stringify(await pool.cli('config-validate', '-o', 'json')));
      hear('reload', JSON.stringify(await pool.cli('reload')));
      hear('nodepoold', JSON.stringify(await nodepoold(['-d', '-c', pool.config])));
    }
    writeFileSync(pool.config, good);
    hear('the log', pool.daemon.stderr());
    for (const file of filesIn(pool.stateDir)) hear(file, readFileSync(file, 'latin1'));

    for (const [what, secret] of Object.entries(planted)) {
      expect(secret.length, what).toBeGreaterThan(8);
      const tellers = said.filter(([, words]) => words.includes(secret) || words.includes(encodeURIComponent(secret)));
      expect(
        tellers.map(([who, words]) => `${who}: ${around(secret, words)}`),
        what,
      ).toEqual([]);
    }
  });

  it('are in files for their owner alone', () => {
    expect(statSync(pool.socket).mode & 0o777).toBe(0o660);
    expect(statSync(pool.world.ssh.privateKeyFile).mode & 0o077).toBe(0);
  });
});

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

function around(secret: string, words: string): string {
  const at = words.indexOf(secret);
  return words.slice(Math.max(0, at - 100), at + secret.length + 20);
}
