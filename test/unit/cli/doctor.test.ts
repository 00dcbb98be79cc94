import { chmod, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../../src/domain/fault.js';
import { FakeCi } from '../../support/fake-ci.js';
import { FakeCloud } from '../../support/fake-cloud.js';
import { FakeDemand } from '../../support/fake-demand.js';
import { FakeEvents } from '../../support/fake-events.js';
import { Harness, minimalConfig } from './harness.js';

const gearman = { host: 'zuul', port: 4730 };
const publisher = 'tcp://jenkins01:8888';

let cli: Harness;
let cloud: FakeCloud;
let master: FakeCi;
let demand: FakeDemand;

beforeEach(async () => {
  cli = await Harness.open();
  cloud = new FakeCloud();
  master = new FakeCi();
  demand = new FakeDemand();
  demand.set(gearman, []);
  const events = new FakeEvents();
  cli.world = { openCloud: () => cloud, openCi: () => master, demand, events, close: async () => undefined };
});

afterEach(async () => {
  await cli.close();
});

/** One cloud image, so that nothing need be built; a key that only its owner reads. */
async function healthy(keys = ''): Promise<string[]> {
  const key = cli.path('id_rsa');
  await writeFile(key, 'a key', { mode: 0o600 });
  await chmod(key, 0o600);
  const text = minimalConfig
    .replace(/ {4}images:[^]*?private-key: .*\n/, '')
    .replace(
      'max-servers: 5\n',
      `max-servers: 5\n    cloud-images: [{name: precise, image-name: img, min-ram: 8192, private-key: ${key}}]\n${keys}`,
    );
  return cli.configure(`${text}zmq-publishers: ['${publisher}']\ngearman-servers: [{host: zuul, port: 4730}]\n`);
}

async function findings(args: string[]): Promise<string[]> {
  const { out } = await cli.run('doctor', ...args, '-o', 'json');
  const { checks } = JSON.parse(out) as {
    checks: { kind: string; ok: boolean; message: string; next: string | null }[];
  };
  return checks.flatMap(({ kind, ok, message, next }) => (ok ? [] : [`${kind}: ${message} -> ${next ?? ''}`]));
}

it('has no findings where all is well', async () => {
  const { code, out, err } = await cli.run('doctor', ...(await healthy()));
  expect(out).not.toContain('FINDING');
  expect(out).toMatch(/^ok +cloud +rax-ord: answers, \d+ flavors/m);
  expect(out).toMatch(/^ok +publisher +tcp:\/\/jenkins01:8888: connected$/m);
  expect(out).toMatch(/^ok +image +precise of rax-ord: usable$/m);
  expect(err).toContain('no findings');
  expect(code).toBe(0);
});

it('exits with 6 on findings, each with a next step', async () => {
  const config = await healthy();
  cloud.always('listFlavors', new Fault('cloud.auth', 'HTTP 401 from keystone'));
  const { code, out, err } = await cli.run('doctor', ...config);
  expect(code).toBe(6);
  expect(out).toContain(
    'FINDING  cloud         rax-ord: cloud.auth: HTTP 401 from keystone\n         -> check username, password',
  );
  expect(err).toContain('1 finding');
});

it('finds a key that others can read, and one that is not there', async () => {
  const config = await healthy();
  await chmod(cli.path('id_rsa'), 0o644);
  expect(await findings(config)).toEqual([
    `files: ssh.key-exposed: others can read the private key (mode 644) -> chmod 600 ${cli.path('id_rsa')}`,
  ]);
  const missing = await cli.configure(minimalConfig);
  expect((await findings(missing)).find(text => text.startsWith('files'))).toContain('no such file');
});

it('finds what a master, a Gearman server and a database say', async () => {
  const config = await healthy();
  master.always('listNodes', new Fault('jenkins.auth', 'HTTP 403 from jenkins01'));
  demand.next(gearman, new Fault('gearman.unreachable', 'connect ECONNREFUSED'));
  cli.store.attachFault = new Fault('store.away', 'the database does not answer');
  expect((await findings(config)).map(text => text.split(' -> ')[0])).toEqual([
    'database: store.away: the database does not answer',
    'master: jenkins.auth: HTTP 403 from jenkins01',
    'gearman: gearman.unreachable: connect ECONNREFUSED',
  ]);
});

it('finds a flavor that a cloud does not have', async () => {
  const config = await healthy();
  cloud.flavors.splice(0);
  expect((await findings(config)).map(text => text.split(' -> ')[0])).toEqual([
    'image: cloud.no-flavor: no flavor fits',
  ]);
});

it('finds images that labels use and that a cloud does not have, and a quota below max-servers', async () => {
  const config = await healthy();
  cloud.serversMax = 3;
  cloud.images.splice(0);
  expect((await findings(config)).map(text => text.split(' -> ')[0])).toEqual([
    'cloud: its quota allows 3 of max-servers 5',
    'image: cloud.no-image: the cloud has no active image img',
  ]);
});

it('finds a network that a cloud does not have', async () => {
  expect(await findings(await healthy('    networks: [{net-label: inner}]\n'))).toEqual([
    'cloud: cloud.no-network: rax-ord has no network inner; it has public, ext -> ' +
      'check networks of the provider: names and ids are case sensitive',
  ]);
});

it('tells each error of the configuration', async () => {
  const config = await cli.configure(minimalConfig.replace('min-ready', 'min-reddy'));
  const { code, out } = await cli.run('doctor', ...config);
  expect(code).toBe(6);
  expect(out).toContain('FINDING  configuration');
  expect(out).toContain('min-ready');
});

it('asks a running daemon, and nobody else', async () => {
  const config = await healthy();
  cloud.down();
  cli.api.ready = {
    ready: true,
    dependencies: [
      { name: 'store', ok: true, reason: null, ageSeconds: 4 },
      { name: 'providers/rax-ord/cloud', ok: false, reason: 'HTTP 503 from nova', ageSeconds: 70 },
    ],
  };
  await cli.serve();
  const { code, out } = await cli.ask('doctor', ...config);
  expect(code).toBe(6);
  expect(out).toContain('ok       database      store: well');
  expect(out).toContain('FINDING  cloud         providers/rax-ord/cloud: HTTP 503 from nova (for 70 s)');
  expect(out).toContain('-> nodepool explain provider rax-ord');
});

it('what an operator has tuned is no finding, and what is broken beside it stays one', async () => {
  const tuned = 'tuned until the next reload: rax-ord rate=0.5';
  const config = { name: 'config', ok: false, ageSeconds: 4 };
  cli.api.ready = { ready: true, dependencies: [{ ...config, reason: tuned }] };
  await cli.serve();
  const file = await healthy();
  expect((await cli.ask('doctor', ...file)).code).toBe(0);
  cli.api.ready = { ready: true, dependencies: [{ ...config, reason: `disabled: label x; ${tuned}` }] };
  expect((await cli.ask('doctor', ...file)).code).toBe(6);
});

it('names -c where the file is not there', async () => {
  const { code, out } = await cli.run('doctor', '-c', cli.path('none.yaml'));
  expect(code).toBe(6);
  expect(out).toContain('there is no such file\n         -> name the file with -c FILE');
});
