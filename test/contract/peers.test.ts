/**
 * Each party outside × each way in which it may be in trouble: what becomes of the call, and that the same client is well
 * again when its party is.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openGearman } from '../../src/adapters/gearman/client.js';
import { JenkinsClient } from '../../src/adapters/jenkins/client.js';
import { openStats } from '../../src/adapters/metrics/statsd.js';
import { openCloud } from '../../src/adapters/openstack/cloud.js';
import { openShell } from '../../src/adapters/ssh/shell.js';
import { openZmqEvents } from '../../src/adapters/zmq/event-source.js';
import { Fault } from '../../src/domain/fault.js';
import type { World } from '../../src/sim/world.js';
import { openCrookedWay, type CrookedWay, type Manner } from '../support/crooked-way.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';
import { bootMachine, cloudOf, masterOf, startSmallWorld } from '../support/world.js';
import { accessTo } from './cloud-access.js';
import { Ear } from './events.suite.js';

/** A call to a party by way of the port; its client is opened for each story and closed at its end. */
interface Client {
  ask(this: void, deadlineMs: number): Promise<unknown>;
  close(): Promise<unknown> | void;
}

interface Party {
  readonly name: string;
  /** Where it really is. */
  at(): { readonly host: string; readonly port: number };
  open(way: CrookedWay): Client;
  /** Tries again until its deadline, whatever the trouble. */
  readonly isPersistent?: true;
  /** What a call ends with, in each trouble. */
  readonly ends: Readonly<Record<Exclude<Manner, 'well' | 'slow'> | 'too slow', RegExp>>;
}

const patientMs = 20_000;
const shortMs = 300;

let world: World;
let machine: { readonly address: string };
beforeAll(async () => {
  world = await startSmallWorld();
  machine = await bootMachine(world);
  // So that an answer of Gearman has a length.
  for (let n = 0; n < 30; n++) world.jobs.submit({ job: 'demo-job', label: `label-${n}`, durationMs: 1 });
});
afterAll(() => world.close());

const at = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

const parties: readonly Party[] = [
  {
    name: 'a cloud',
    at: () => at(cloudOf(world).authUrl),
    open(way) {
      const { username, password, projectName } = cloudOf(world);
      const authUrl = `http://${way.host}:${way.port}/v3`;
      const cloud = openCloud(accessTo({ authUrl, username, password, projectName }));
      // The catalogue names the cloud itself: it is the token that comes this way.
      const ask = (deadlineMs: number): Promise<unknown> => {
        cloudOf(world).revokeTokens();
        return cloud.listServers({ deadlineMs });
      };
      return { ask, close: () => cloud.close() };
    },
    ends: {
      refusing: /^cloud\.unreachable$/,
      silent: /^cloud\.timeout$/,
      'too slow': /^cloud\.timeout$/,
      nonsense: /^cloud\.bad-answer$/,
      resetting: /^cloud\.(unreachable|bad-answer)$/,
    },
  },
  {
    name: 'a Jenkins master',
    at: () => at(masterOf(world).url),
    open(way) {
      const { user, apikey, credentialsId } = masterOf(world);
      const url = `http://${way.host}:${way.port}`;
      const ci = new JenkinsClient({ url, user, apikey, credentialsId, testJob: null });
      return { ask: deadlineMs => ci.listNodes({ deadlineMs }), close: () => ci.close() };
    },
    ends: {
      refusing: /^jenkins\.unreachable$/,
      silent: /^jenkins\.timeout$/,
      'too slow': /^jenkins\.timeout$/,
      nonsense: /^jenkins\.bad-answer$/,
      resetting: /^jenkins\.(unreachable|bad-answer)$/,
    },
  },
  {
    name: 'a Gearman server',
    at: () => ({ host: world.gearman?.host ?? '', port: world.gearman?.port ?? 0 }),
    open({ host, port }) {
      const gearman = openGearman();
      return { ask: deadlineMs => gearman.status({ host, port }, { deadlineMs }), close: () => undefined };
    },
    // What it says might be lines before the last one.
    ends: {
      refusing: /^gearman\.unreachable$/,
      silent: /^gearman\.timeout$/,
      'too slow': /^gearman\.timeout$/,
      nonsense: /^gearman\.timeout$/,
      resetting: /^gearman\.(unreachable|bad-answer)$/,
    },
  },
  {
    name: 'a machine',
    isPersistent: true,
    at: () => ({ host: machine.address, port: world.ssh.port }),
    open({ host, port }) {
      const shell = openShell();
      const { username, privateKeyFile } = world.ssh;
      const login = { host, port, username, privateKeyFile, hostKey: world.ssh.hostKey };
      return { ask: deadlineMs => shell.check(login, { deadlineMs }), close: () => shell.close() };
    },
    // Anything may be said before a machine says who it is.
    ends: {
      refusing: /^ssh\.unreachable$/,
      silent: /^ssh\.timeout$/,
      'too slow': /^ssh\.timeout$/,
      nonsense: /^ssh\.timeout$/,
      resetting: /^ssh\.(unreachable|protocol)$/,
    },
  },
];

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function wayTo(target: { readonly host: string; readonly port: number }, manner: Manner): Promise<CrookedWay> {
  const way = await openCrookedWay(target);
  ends.push(() => way.close());
  await way.become(manner);
  return way;
}

describe.each(parties)('$name', party => {
  async function open(manner: Manner): Promise<{ way: CrookedWay; client: Client }> {
    const way = await wayTo(party.at(), manner);
    const client = party.open(way);
    ends.push(() => client.close());
    return { way, client };
  }

  /** Only what does not end by itself is waited for for a short time. */
  function deadlineIn(manner: Exclude<Manner, 'slow'>): number {
    if (manner === 'well') return patientMs;
    const endsByItself = !party.ends[manner].source.includes('timeout') && party.isPersistent !== true;
    return endsByItself ? patientMs : shortMs;
  }

  it.each(['refusing', 'silent', 'nonsense', 'resetting'] as const)(
    'that is %s is a fault, and well again',
    async manner => {
      const { way, client } = await open(manner);
      expect(await outcomeOf(client.ask(deadlineIn(manner)))).toMatch(party.ends[manner]);
      await way.become('well');
      expect(await outcomeOf(client.ask(patientMs))).toBe('answered');
    },
  );

  it('that answers slowly is waited for until the deadline, and no longer', async () => {
    const { way, client } = await open('slow');
    expect(await outcomeOf(client.ask(patientMs))).toBe('answered');
    await way.become('slow');
    expect(await outcomeOf(client.ask(5))).toMatch(party.ends['too slow']);
  });

  it('that gets into trouble between two calls is a fault, and well again', async () => {
    const { way, client } = await open('well');
    for (const manner of ['refusing', 'well', 'silent', 'well'] as const) {
      await way.become(manner);
      const outcome = await outcomeOf(client.ask(deadlineIn(manner)));
      expect(outcome).toMatch(manner === 'well' ? /^answered$/ : party.ends[manner]);
    }
  });
});

/** The kind of its fault; nothing else may be thrown. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'answered';
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}

describe('a publisher of events', () => {
  const handshakeMs = 500;

  it.each([
    ['refusing', 'connecting'],
    ['silent', 'lost'],
    ['nonsense', 'lost'],
    ['resetting', 'lost'],
  ] as const)('that is %s is not connected, and is when it is well again', async (manner, state) => {
    const way = await wayTo(at(masterOf(world).zmqEndpoint), manner);
    const ear = new Ear();
    const subscription = openZmqEvents({ handshakeMs }).open(`tcp://${way.host}:${way.port}`, ear);
    ends.push(() => subscription.close());
    await until(() => ear.state === state);
    expect(ear.links).not.toContain('connected');
    await way.become('well');
    await until(() => {
      masterOf(world).publisher.send('onStarted {}');
      return ear.frames.includes('onStarted {}');
    });
    expect(ear.state).toBe('connected');
  });

  it('whose frames come slowly is heard', async () => {
    const way = await wayTo(at(masterOf(world).zmqEndpoint), 'slow');
    const ear = new Ear();
    const subscription = openZmqEvents().open(`tcp://${way.host}:${way.port}`, ear);
    ends.push(() => subscription.close());
    const frame = `onFinalized ${JSON.stringify({ name: 'a job with a name of some length' })}`;
    await until(() => {
      masterOf(world).publisher.send(frame);
      return ear.frames.includes(frame);
    });
    expect(new Set(ear.frames)).toEqual(new Set([frame]));
  });
});

/** UDP has no connection that could be reset, and no answer that could be slow. */
describe('a statsd server', () => {
  it('that is not there, or answers nonsense, is no trouble, and hears what comes when it is well again', async () => {
    const port = await freePort();
    const stats = openStats({ host: '127.0.0.1', port, prefix: '' });
    ends.push(() => stats.close());
    const told: (string | null)[] = [];
    stats.watch(trouble => told.push(trouble));
    for (let n = 0; n < 20; n++) stats.count('refused');
    const heard: string[] = [];
    const server = await udpServer(port, (text, reply) => {
      heard.push(text);
      reply('\u0001 what is this?');
    });
    ends.push(() => void server.close());
    await until(() => {
      stats.count('heard');
      return heard.filter(text => text === 'heard:1|c').length > 3;
    });
    expect(told).toEqual([null]);
  });
});

async function udpServer(
  port: number,
  hear: (text: string, reply: (text: string) => void) => void,
): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.on('message', (text, { port: from, address }) =>
    hear(text.toString(), reply => socket.send(reply, from, address)),
  );
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
