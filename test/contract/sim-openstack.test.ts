import { afterEach, describe, expect, it } from 'vitest';
import type { CloudOptions } from '../../src/sim/openstack/settings.js';
import type { World } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import { cloudOf, createServer, logIn, serverOrder, startSmallWorld } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const startCloud = async (more: Partial<CloudOptions> = {}) => {
  world = await startSmallWorld({ clouds: [{ name: 'alpha', images: ['Ubuntu'], ...more }], masters: [] });
  return cloudOf(world);
};

interface ServerJson {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly addresses: Readonly<Record<string, readonly { readonly version: number; readonly addr: string }[]>>;
  readonly fault?: { readonly message: string };
  readonly 'OS-EXT-STS:task_state': string | null;
  readonly 'OS-EXT-AZ:availability_zone': string;
}
interface ServersJson {
  readonly servers: readonly ServerJson[];
  readonly servers_links?: readonly { readonly rel: string; readonly href: string }[];
}
interface ErrorJson {
  readonly [kind: string]: { readonly code: number; readonly message: string };
}

const jsonOf = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T;

describe('Keystone', () => {
  it('refuses a wrong password with 401', async () => {
    const cloud = await startCloud();
    await expect(logIn(cloud, 'wrong')).rejects.toThrow('no token: 401');
    expect(cloud.counts().tokensIssued).toBe(0);
  });

  it('gives a token and the catalogue of 2014 on its v2.0 address', async () => {
    const cloud = await startCloud({ region: 'DFW', serviceName: 'cloudServersOpenStack' });
    const passwordCredentials = { username: cloud.username, password: cloud.password };
    const body = JSON.stringify({ auth: { passwordCredentials, tenantName: cloud.projectName } });
    const answer = await fetch(`${cloud.authUrlV2}/tokens`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    const { access } = (await answer.json()) as {
      access: {
        token: { id: string };
        serviceCatalog: { type: string; name: string; endpoints: { region: string; publicURL: string }[] }[];
      };
    };
    const compute = access.serviceCatalog.find(entry => entry.name === 'cloudServersOpenStack');
    expect(compute).toMatchObject({ type: 'compute', endpoints: [{ region: 'DFW' }] });
    const list = await fetch(`${compute?.endpoints[0]?.publicURL}/servers/detail`, {
      headers: { 'x-auth-token': access.token.id },
    });
    expect(await list.json()).toEqual({ servers: [] });
  });

  it('lets a token expire', async () => {
    const cloud = await startCloud({ tokenLifeMs: 60 });
    const client = await logIn(cloud);
    await until(async () => (await client.call('GET', '/limits')).status === 401);
  });
});

describe('Nova', () => {
  it('builds a server, which has no address before it is ACTIVE', async () => {
    const cloud = await startCloud({ bootMs: [100, 100], zones: ['az1', 'az2'] });
    const client = await logIn(cloud);
    const metadata = { tag: 'ours' };
    const id = await createServer(client, cloud, { availability_zone: 'az2', metadata });
    const show = () => jsonOf<{ server: ServerJson }>(client.call('GET', `/servers/${id}`));
    const first = (await show()).server;
    expect(first).toMatchObject({ status: 'BUILD', addresses: {}, metadata });
    const active = await until(async () => {
      const { server } = await show();
      return server.status === 'ACTIVE' && server;
    });
    expect(active['OS-EXT-AZ:availability_zone']).toBe('az2');
    expect(active.addresses['public']).toMatchObject([{ version: 4, 'OS-EXT-IPS:type': 'fixed' }]);
    expect(active.addresses['public']?.[0]?.addr).toMatch(/^127\.\d+\.\d+\.\d+$/);
  });

  it('keeps a deleted server listed for a while, then answers 404', async () => {
    const cloud = await startCloud({ deleteMs: [80, 80] });
    const client = await logIn(cloud);
    const id = await createServer(client, cloud);
    expect((await client.call('DELETE', `/servers/${id}`)).status).toBe(204);
    expect((await client.call('DELETE', `/servers/${id}`)).status).toBe(204);
    const { server } = await jsonOf<{ server: ServerJson }>(client.call('GET', `/servers/${id}`));
    expect(server['OS-EXT-STS:task_state']).toBe('deleting');
    await until(async () => (await client.call('GET', `/servers/${id}`)).status === 404);
    expect(await jsonOf(client.call('DELETE', `/servers/${id}`))).toMatchObject({ itemNotFound: { code: 404 } });
  });

  it.each([
    ['an unknown image', { imageRef: 'nowhere' }, 400, 'badRequest'],
    ['an unknown flavor', { flavorRef: '99' }, 400, 'badRequest'],
    ['an unknown zone', { availability_zone: 'mars' }, 400, 'badRequest'],
    ['an unknown network', { networks: [{ uuid: 'nowhere' }] }, 400, 'badRequest'],
    ['an unknown key', { key_name: 'nobody' }, 400, 'badRequest'],
    ['metadata that is too long', { metadata: { tag: 'x'.repeat(256) } }, 400, 'badRequest'],
  ])('refuses %s', async (_what, more, status, kind) => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    const answer = await client.call('POST', '/servers', serverOrder(cloud, more));
    expect(answer.status).toBe(status);
    expect(await answer.json()).toHaveProperty(`${kind}.code`, status);
    expect(cloud.servers()).toEqual([]);
  });

  it('refuses a server over quota with 403, and says so in words only', async () => {
    const cloud = await startCloud({ maxServers: 2 });
    const client = await logIn(cloud);
    await createServer(client, cloud);
    await createServer(client, cloud);
    const answer = await client.call('POST', '/servers', serverOrder(cloud));
    expect(answer.status).toBe(403);
    const { forbidden } = (await answer.json()) as ErrorJson;
    expect(forbidden?.message).toBe('Quota exceeded for instances: Requested 1, but already used 2 of 2 instances');
    expect(cloud.counts()).toMatchObject({ peakServers: 2, peakBuilding: 2, created: 2 });
    const { limits } = await jsonOf<{ limits: { absolute: object } }>(client.call('GET', '/limits'));
    expect(limits.absolute).toMatchObject({ maxTotalInstances: 2, totalInstancesUsed: 2 });
  });

  it('cuts lists into pages whatever the caller asks for', async () => {
    const cloud = await startCloud({ pageSize: 2 });
    const client = await logIn(cloud);
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push(await createServer(client, cloud, { name: `node-${i}` }));
    const listed: string[] = [];
    const sizes: number[] = [];
    let next: string | undefined = '/servers/detail?limit=1000';
    while (next !== undefined) {
      const page: ServersJson = await jsonOf<ServersJson>(client.call('GET', next));
      listed.push(...page.servers.map(server => server.id));
      sizes.push(page.servers.length);
      next = page.servers_links?.find(link => link.rel === 'next')?.href;
    }
    expect(listed).toEqual(made);
    expect(sizes).toEqual([2, 2, 1]);
    expect((await client.call('GET', '/servers/detail?marker=nobody')).status).toBe(400);
  });

  it('ends a server in ERROR at the given rate, with the reason', async () => {
    const cloud = await startCloud({ bootFailureRate: 1 });
    const client = await logIn(cloud);
    const id = await createServer(client, cloud);
    const failed = await until(async () => {
      const { server } = await jsonOf<{ server: ServerJson }>(client.call('GET', `/servers/${id}`));
      return server.status === 'ERROR' && server;
    });
    expect(failed.fault?.message).toContain('No valid host was found');
    expect(failed.addresses).toEqual({});
  });

  it('hides a new server from lists for the lag, but not from those who know its id', async () => {
    const cloud = await startCloud({ listLagMs: 100 });
    const client = await logIn(cloud);
    const id = await createServer(client, cloud);
    expect(await jsonOf(client.call('GET', '/servers/detail'))).toEqual({ servers: [] });
    expect((await client.call('GET', `/servers/${id}`)).status).toBe(200);
    await until(async () => (await jsonOf<ServersJson>(client.call('GET', '/servers/detail'))).servers.length === 1);
  });

  it('keeps key pairs', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    const body = { keypair: { name: 'mine', public_key: 'ssh-ed25519 AAAA' } };
    expect((await client.call('POST', '/os-keypairs', body)).status).toBe(200);
    expect((await client.call('POST', '/os-keypairs', body)).status).toBe(409);
    await createServer(client, cloud, { key_name: 'mine' });
    expect((await client.call('DELETE', '/os-keypairs/mine')).status).toBe(202);
    expect((await client.call('DELETE', '/os-keypairs/mine')).status).toBe(404);
  });
});

describe('Glance', () => {
  interface ImagesJson {
    readonly images: readonly { readonly name: string; readonly status: string }[];
    readonly next?: string;
  }

  it('pages by a path and filters by name', async () => {
    const cloud = await startCloud({ images: ['Ubuntu', 'CentOS', 'Fedora'] });
    const client = await logIn(cloud);
    const first = await jsonOf<ImagesJson>(client.call('GET', `${client.imageUrl}/v2/images?limit=2`));
    expect(first.images.map(image => image.name)).toEqual(['Ubuntu', 'CentOS']);
    expect(first.next).toMatch(/^\/v2\/images\?/);
    const second = await jsonOf<ImagesJson>(client.call('GET', `${client.imageUrl}${first.next}`));
    expect(second.images).toMatchObject([{ name: 'Fedora', status: 'active' }]);
    expect(second.next).toBeUndefined();
    const named = await jsonOf<ImagesJson>(client.call('GET', `${client.imageUrl}/v2/images?name=CentOS`));
    expect(named.images.map(image => image.name)).toEqual(['CentOS']);
  });

  it('answers errors in HTML', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    const answer = await client.call('GET', `${client.imageUrl}/v2/images/nobody`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('text/html');
  });
});

describe('faults of a cloud', () => {
  it('answers once what it is told to, and does nothing', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    const body = { overLimit: { code: 413, message: 'This request was rate-limited.' } };
    cloud.failNext('createServer', { kind: 'answer', status: 413, body, headers: { 'retry-after': '7' } });
    const answer = await client.call('POST', '/servers', serverOrder(cloud));
    expect(answer.status).toBe(413);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(cloud.servers()).toEqual([]);
    await createServer(client, cloud);
    expect(cloud.counts().calls['createServer']).toBe(2);
  });

  it('loses the answer of a create that took effect', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    cloud.failNext('createServer', { kind: 'lose-reply' });
    await expect(client.call('POST', '/servers', serverOrder(cloud))).rejects.toThrow();
    expect(cloud.servers()).toHaveLength(1);
  });

  it('cuts an answer in the middle', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    cloud.failNext('listServers', { kind: 'half-answer' });
    const answer = await client.call('GET', '/servers/detail');
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
  });

  it('hangs until the caller gives up', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    cloud.failNext('listServers', { kind: 'hang' });
    const call = fetch(`${client.url}/servers/detail`, { signal: AbortSignal.timeout(50) });
    await expect(call).rejects.toThrow('timeout');
  });

  it('refuses connections while it is down, and has kept its servers when it is up', async () => {
    const cloud = await startCloud();
    const client = await logIn(cloud);
    await createServer(client, cloud);
    await cloud.down();
    await expect(client.call('GET', '/servers/detail')).rejects.toThrow('fetch failed');
    await cloud.up();
    expect((await jsonOf<ServersJson>(client.call('GET', '/servers/detail'))).servers).toHaveLength(1);
  });

  it('fails creates at the given rate, the same ones for the same seed', async () => {
    const outcomes = async (): Promise<number[]> => {
      const cloud = await startCloud({ createFailureRate: 0.5, bootMs: [60_000, 60_000] });
      const client = await logIn(cloud);
      const statuses: number[] = [];
      for (let i = 0; i < 12; i++) statuses.push((await client.call('POST', '/servers', serverOrder(cloud))).status);
      return statuses;
    };
    const first = await outcomes();
    await world.close();
    expect(await outcomes()).toEqual(first);
    expect(new Set(first)).toEqual(new Set([202, 500]));
  });
});
