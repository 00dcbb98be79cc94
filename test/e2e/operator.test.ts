/** The daemon in the hands of an operator and of the machine it runs on: reload, log, service manager. */
import { readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatagramSocket, type DatagramSocket } from '../support/datagrams.js';
import { E2ePool } from '../support/e2e-pool.js';
import { ensureDebianPackages } from '../support/packages.js';

let pool: E2ePool | null = null;
const sockets: DatagramSocket[] = [];

afterEach(async () => {
  await pool?.close();
  pool = null;
  for (const socket of sockets.splice(0)) socket.close();
});

async function openPool(small = 2): Promise<E2ePool> {
  pool = await E2ePool.open({
    dburi: 'embedded:',
    clouds: { east: {}, west: {} },
    labels: { small },
    providers: { east: { 'max-servers': 6 }, west: { 'max-servers': 6 } },
  });
  return pool;
}

const edit = (pool: E2ePool, change: (text: string) => string): string => {
  const text = readFileSync(pool.config, 'utf8');
  const changed = change(text);
  expect(changed).not.toBe(text);
  return changed;
};
const raised = (count: number) => (text: string) => text.replace(/min-ready: \d+/, `min-ready: ${count}`);

async function reasonOf(pool: E2ePool, name: string): Promise<string | null> {
  const { dependencies } = await pool.client.readiness();
  return dependencies.find(each => each.name === name)?.reason ?? null;
}

/** The daemon looks at the file by itself, too: where it was first, there is nothing left to change. */
async function reload(pool: E2ePool, text: string, changes: readonly string[]): Promise<void> {
  const said = pool.daemon.stderr().length;
  writeFileSync(pool.config, text);
  const { code, stdout } = await pool.cli('reload');
  expect(code).toBe(0);
  expect(['', changes.map(change => `${change}\n`).join('')]).toContain(stdout);
  await pool.until(() => changes.every(change => pool.daemon.stderr().slice(said).includes(change)));
}

describe('a daemon whose configuration changes', () => {
  it('reads it when it was written, replaced, and asked for, and keeps the old one where it cannot be used', async () => {
    const pool = await openPool();
    await pool.start();
    const first = await pool.untilAtRest(2);
    const good = readFileSync(pool.config, 'utf8');

    writeFileSync(pool.config, edit(pool, raised(3)));
    await pool.untilAtRest(3);

    // As editors and configuration management do.
    const beside = `${pool.config}.new`;
    writeFileSync(beside, edit(pool, raised(4)));
    renameSync(beside, pool.config);
    await pool.untilAtRest(4);

    for (const spoil of [
      () => truncateSync(pool.config, Math.floor(statSync(pool.config).size / 2)),
      () => truncateSync(pool.config, 0),
      () => rmSync(pool.config),
    ]) {
      writeFileSync(
        pool.config,
        edit(pool, text => `${text}\n# again\n`),
      );
      await pool.until(async () => (await reasonOf(pool, 'config')) === null);
      spoil();
      await pool.until(async () => (await reasonOf(pool, 'config'))?.includes('stays in force'));
      expect((await pool.client.readiness()).ready).toBe(true);
      expect((await pool.actor('/config')).state).toContain('the file is refused');
      writeFileSync(pool.config, raised(4)(good));
    }
    const nodes = await pool.untilAtRest(4);
    for (const { id } of first) expect(nodes.map(node => node.id)).toContain(id);

    await reload(pool, edit(pool, raised(3)), ['label small: min-ready 4 → 3']);
    writeFileSync(
      pool.config,
      edit(pool, text => text.replace('labels:', 'lables:')),
    );
    const refused = await pool.cli('reload', '--socket', pool.socket);
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('unknown key lables, did you mean labels?');
    writeFileSync(pool.config, raised(5)(good));
    process.kill(pool.daemon.pid, 'SIGHUP');
    await pool.untilAtRest(5);
  });

  it('drains a provider that is taken out, and fills one that comes', async () => {
    // More than one of them has room for, whichever of them answers first.
    const pool = await openPool(7);
    await pool.start();
    const nodes = await pool.untilAtRest(7);
    const text = readFileSync(pool.config, 'utf8');
    const without = text
      .replace(/ {2}- name: west\n {4}region-name[\s\S]*?(?=targets:)/, '')
      .replace(/\n {6}- name: west(?=\n)/, '');
    await reload(pool, without, ['provider west removed', 'label small: providers.west removed']);
    const there = nodes.filter(node => node.provider === 'west');
    expect(there.length).toBeGreaterThan(0);
    for (const { id } of there) expect((await pool.cli('delete', String(id))).code).toBe(0);
    const left = await pool.untilAtRest(6);
    expect(new Set(left.map(node => node.provider))).toEqual(new Set(['east']));
    expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
    writeFileSync(pool.config, raised(8)(text));
    await pool.untilAtRest(8);
    expect(pool.world.judge().servers.some(server => server.cloud === 'west')).toBe(true);
  });
});

describe('a daemon of a machine with systemd', () => {
  beforeAll(() => ensureDebianPackages(['systemd', 'python3', 'bsdutils']), 600_000);

  it('tells systemd that it is ready, that it lives and that it stops, and syslog what it does', async () => {
    const pool = await openPool();
    const notify = await openDatagramSocket(join(pool.dir, 'notify.sock'));
    const syslog = await openDatagramSocket(join(pool.dir, 'log.sock'));
    sockets.push(notify, syslog);
    const logging = join(pool.dir, 'logging.conf');
    const debug = join(pool.dir, 'log', 'debug.log');
    writeFileSync(
      logging,
      `[loggers]
keys=root,nodepool
[handlers]
keys=syslog,debug
[formatters]
keys=simple
[logger_root]
level=WARNING
handlers=
[logger_nodepool]
level=DEBUG
qualname=nodepool
handlers=syslog,debug
[handler_syslog]
class=handlers.SysLogHandler
level=INFO
formatter=simple
args=('${syslog.path}', 'daemon')
[handler_debug]
class=handlers.WatchedFileHandler
formatter=simple
args=('${debug}',)
[formatter_simple]
format=%(levelname)s %(name)s: %(message)s
`,
    );
    await pool.start({ args: ['-l', logging], env: { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '600000' } });
    await pool.untilAtRest(2);
    await pool.until(() => notify.heard.some(each => each.startsWith('READY=1')));
    await pool.until(() => notify.heard.filter(each => each.startsWith('WATCHDOG=1')).length > 2);
    await pool.until(() =>
      syslog.heard.some(each => /^<30>.*nodepoold.*INFO nodepool\.NodeLauncher: node /.test(each)),
    );
    renameSync(debug, `${debug}.1`);
    const [node] = await pool.nodes();
    await pool.cli('delete', String(node?.id));
    await pool.until(() => readFileSync(debug, 'utf8').includes('nodepool.NodeDeleter: node '));
    expect(readFileSync(`${debug}.1`, 'utf8')).toMatch(/^INFO nodepool\.\w+: .* provider=\w+/m);
    expect(await pool.stop()).toBe(0);
    await pool.until(() => notify.heard.some(each => each.startsWith('STOPPING=1')));
    expect(notify.heard.filter(each => each.startsWith('READY=1'))).toHaveLength(1);
  });
});
