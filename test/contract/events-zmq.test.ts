import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Publisher } from 'zeromq';
import { openZmqEvents } from '../../src/adapters/zmq/event-source.js';
import { bindAnywhere, unbind } from '../../src/sim/jenkins/publisher.js';
import { startWorld } from '../../src/sim/world.js';
import { descriptorsOf } from '../support/descriptors.js';
import { until } from '../support/until.js';
import { Ear, eventsContract } from './events.suite.js';

eventsContract('ZeroMQ', async () => {
  let publisher: Publisher | null = new Publisher({ linger: 0 });
  const endpoint = await bindAnywhere(publisher);
  const down = async (): Promise<void> => {
    if (publisher) await unbind(publisher, endpoint);
    publisher?.close();
    publisher = null;
  };
  return {
    source: openZmqEvents(),
    endpoint,
    publish: async frame => publisher?.send(frame),
    down,
    async up() {
      publisher = new Publisher({ linger: 0 });
      await publisher.bind(endpoint);
    },
    end: down,
  };
});

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function listenTo(endpoint: string, handshakeMs?: number): Ear {
  const ear = new Ear();
  const subscription = openZmqEvents(handshakeMs === undefined ? {} : { handshakeMs }).open(endpoint, ear);
  ends.push(() => subscription.close());
  return ear;
}

async function peer(talk: (socket: Socket) => void): Promise<{ endpoint: string; connections: () => number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(socket => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    talk(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `tcp://127.0.0.1:${port}`, connections: () => connections };
}

describe('events over ZeroMQ', () => {
  it.each(['nonsense', 'tcp://', 'gopher://127.0.0.1:1', 'tcp://127.0.0.1:not-a-port'])(
    'says that %s cannot be connected to, and throws nothing',
    async endpoint => {
      const ear = listenTo(endpoint);
      await until(() => ear.state === 'lost');
      expect(ear.links).toEqual(['connecting', 'lost']);
      expect(ear.details.at(-1)).not.toBe('');
    },
  );

  it('is not connected to a peer that accepts and says nothing, and tries it again', async () => {
    const { endpoint, connections } = await peer(() => undefined);
    const ear = listenTo(endpoint, 50);
    await until(() => connections() >= 3);
    expect(ear.links).toEqual(['connecting', 'lost']);
    expect(ear.details.at(-1)).toContain('handshake');
  });

  it.each([
    ['closes', (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['stays', (socket: Socket) => socket.write(`HTTP/1.1 400 Bad Request\r\n\r\n${'<html>'.repeat(100)}`)],
  ])('is not connected to a web server that %s', async (_, talk) => {
    const { endpoint, connections } = await peer(talk);
    const ear = listenTo(endpoint, 100);
    await until(() => connections() >= 3);
    expect(ear.links).toEqual(['connecting', 'lost']);
  });

  it('connects to a publisher that comes up later than itself', async () => {
    const { endpoint } = await peer(() => undefined);
    for (const end of ends.splice(0)) await end();
    const ear = listenTo(endpoint);
    await until(() => ear.state === 'connecting');
    const publisher = new Publisher({ linger: 0 });
    ends.push(async () => publisher.close());
    await publisher.bind(endpoint);
    await until(() => ear.state === 'connected');
    expect(ear.links).toEqual(['connecting', 'connected']);
  });

  it('connects when there are file descriptors again, where there was none for a socket', async () => {
    const publisher = new Publisher({ linger: 0 });
    ends.push(async () => publisher.close());
    const endpoint = await bindAnywhere(publisher);
    const descriptors = await descriptorsOf(process.pid);
    ends.push(async () => descriptors.close());
    await descriptors.exhaust();
    let ear: Ear;
    try {
      ear = listenTo(endpoint);
      await until(() => ear.state === 'lost');
      expect(ear.details.at(-1)).toMatch(/no file descriptor left/);
    } finally {
      await descriptors.free();
    }
    await until(() => ear.state === 'connected');
    expect(ear.links).toEqual(['connecting', 'lost', 'connected']);
  });

  it('passes on what is no text, and cuts what is too long', async () => {
    const publisher = new Publisher({ linger: 0 });
    ends.push(async () => publisher.close());
    await publisher.bind('tcp://127.0.0.1:*');
    const ear = listenTo(publisher.lastEndpoint ?? '');
    await until(async () => {
      await publisher.send('hello');
      return ear.frames.includes('hello');
    });
    await publisher.send(Buffer.from([0xff, 0xfe, 0x20, 0x00]));
    await publisher.send(Buffer.alloc(3 * 1024 * 1024, 'x'));
    await publisher.send(['two', ' parts']);
    await publisher.send('');
    await publisher.send('last');
    await until(() => ear.frames.includes('last'));
    const [text, long, ...rest] = ear.frames.filter(frame => frame !== 'hello');
    expect(text).toBe('\ufffd\ufffd \0');
    expect(long?.length).toBe(1024 * 1024);
    expect(rest).toEqual(['two parts', '', 'last']);
  });

  it('hears the job events of the simulated master', async () => {
    const world = await startWorld({ clouds: [], gearman: 'none', masters: [{ name: 'm1', profile: 'old' }] });
    ends.push(() => world.close());
    const master = world.masters.get('m1');
    const ear = listenTo(master?.zmqEndpoint ?? '');
    await until(() => {
      master?.publisher.send('onStarted {"name":"demo-job"}');
      return ear.frames.includes('onStarted {"name":"demo-job"}');
    });
    await master?.down();
    await until(() => ear.state === 'lost');
    await master?.up();
    await until(() => ear.state === 'connected');
  });
});
