import { Subscriber } from 'zeromq';
import type { SimCloud } from '../../src/sim/openstack/cloud.js';
import type { SimMaster } from '../../src/sim/jenkins/master.js';
import { startWorld, type World, type WorldOptions } from '../../src/sim/world.js';
import { until } from './until.js';

/** One cloud `alpha` and one master `jenkins01`, unless told otherwise. */
export function startSmallWorld(options: Partial<WorldOptions> = {}): Promise<World> {
  return startWorld({
    clouds: [{ name: 'alpha', images: ['Ubuntu'], maxServers: 10 }],
    masters: [{ name: 'jenkins01' }],
    ...options,
  });
}

export function cloudOf(world: World, name = 'alpha'): SimCloud {
  const cloud = world.clouds.get(name);
  if (!cloud) throw new Error(`no cloud ${name}`);
  return cloud;
}

export function masterOf(world: World, name = 'jenkins01'): SimMaster {
  const master = world.masters.get(name);
  if (!master) throw new Error(`no master ${name}`);
  return master;
}

/** A stranger's OpenStack client: one token, and the compute endpoint of the catalogue. */
export interface ComputeClient {
  readonly url: string;
  readonly token: string;
  readonly imageUrl: string;
  call(method: string, path: string, body?: unknown): Promise<Response>;
}

interface TokenAnswer {
  readonly token: {
    readonly catalog: readonly { type: string; endpoints: readonly { interface: string; url: string }[] }[];
  };
}

export async function logIn(cloud: SimCloud, password = cloud.password): Promise<ComputeClient> {
  const domain = { name: 'Default' };
  const user = { name: cloud.username, password, domain };
  const scope = { project: { name: cloud.projectName, domain } };
  const answer = await fetch(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  });
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  const token = answer.headers.get('x-subject-token') ?? '';
  const { catalog } = ((await answer.json()) as TokenAnswer).token;
  const endpoint = (type: string): string =>
    catalog.find(entry => entry.type === type)?.endpoints.find(each => each.interface === 'public')?.url ?? '';
  const url = endpoint('compute');
  return {
    url,
    token,
    imageUrl: endpoint('image'),
    call: (method, path, body) =>
      fetch(path.startsWith('http') ? path : url + path, {
        method,
        headers: { 'x-auth-token': token },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** What Nova needs for a server from the small world's image. */
export function serverOrder(cloud: SimCloud, more: Readonly<Record<string, unknown>> = {}): unknown {
  const [image] = cloud.images.all();
  const [flavor] = cloud.inventory.flavors;
  return { server: { name: 'node-1', imageRef: image?.id, flavorRef: flavor?.id, networks: 'auto', ...more } };
}

export async function createServer(
  client: ComputeClient,
  cloud: SimCloud,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const answer = await client.call('POST', '/servers', serverOrder(cloud, more));
  if (answer.status !== 202) throw new Error(`no server: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { server: { id: string } }).server.id;
}

/** Creates a server and waits until SSH answers on it. */
export async function bootMachine(world: World, name = 'node-1'): Promise<{ serverId: string; address: string }> {
  const cloud = cloudOf(world);
  const serverId = await createServer(await logIn(cloud), cloud, { name });
  const view = await until(() => cloud.servers().find(server => server.id === serverId && server.isReachable));
  return { serverId, address: view.address ?? '' };
}

/** A stranger's Jenkins client. Redirects are not followed: 302 is success. */
export function callMaster(
  master: SimMaster,
  path: string,
  {
    method = 'GET',
    body,
    headers = {},
  }: { method?: string; body?: string | URLSearchParams; headers?: Record<string, string> } = {},
): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${master.user}:${master.apikey}`).toString('base64')}`;
  return fetch(master.url + path, {
    method,
    redirect: 'manual',
    headers: { authorization, ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

/** The fields of `doCreateItem` as both generations of Jenkins take them. */
export function slaveForm(
  world: World,
  master: SimMaster,
  slave: { name: string; host: string; label: string | null; more?: Readonly<Record<string, unknown>> },
): URLSearchParams {
  const type = 'hudson.slaves.DumbSlave$DescriptorImpl';
  const json = {
    name: slave.name,
    nodeDescription: `Dynamic single use ${slave.label ?? ''} node`,
    numExecutors: '1',
    remoteFS: '/home/jenkins',
    labelString: slave.label,
    mode: 'EXCLUSIVE',
    type,
    retentionStrategy: classed('hudson.slaves.RetentionStrategy$Always'),
    nodeProperties: { 'stapler-class-bag': 'true' },
    launcher: {
      ...classed('hudson.plugins.sshslaves.SSHLauncher'),
      host: slave.host,
      port: world.ssh.port,
      credentialsId: master.credentialsId,
    },
    ...slave.more,
  };
  return new URLSearchParams({ name: slave.name, type, json: JSON.stringify(json) });
}

function classed(name: string): Record<string, string> {
  return { 'stapler-class': name, $class: name };
}

export async function addSlave(
  world: World,
  slave: { name: string; host: string; label: string | null; master?: SimMaster },
): Promise<void> {
  const master = slave.master ?? masterOf(world);
  const answer = await callMaster(master, 'computer/doCreateItem', {
    method: 'POST',
    body: slaveForm(world, master, slave),
  });
  if (answer.status !== 302) throw new Error(`no slave: ${answer.status} ${await answer.text()}`);
}

/** A machine with an online slave on it. */
export async function addOnlineSlave(
  world: World,
  { name = 'node-1', label = 'bare' }: { name?: string; label?: string } = {},
): Promise<{ serverId: string; address: string }> {
  const machine = await bootMachine(world, name);
  await addSlave(world, { name, host: machine.address, label });
  await until(
    () =>
      masterOf(world)
        .slaves()
        .find(slave => slave.name === name)?.isOnline,
  );
  return machine;
}

/** Collects the frames of a publisher from the moment it resolves. */
export async function listenToEvents(endpoint: string): Promise<{ frames: string[]; close: () => void }> {
  const subscriber = new Subscriber({ linger: 0 });
  const shaken = new Promise<void>(resolve => subscriber.events.on('handshake', () => resolve()));
  subscriber.subscribe();
  subscriber.connect(endpoint);
  await shaken;
  const frames: string[] = [];
  const reading = (async () => {
    for await (const [frame] of subscriber) if (frame) frames.push(frame.toString());
  })();
  // The loop ends with an error of its own when the socket is closed.
  reading.catch(() => {});
  return { frames, close: () => subscriber.close() };
}
