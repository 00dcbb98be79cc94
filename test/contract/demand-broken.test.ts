import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openGearman } from '../../src/adapters/gearman/client.js';
import type { GearmanServer } from '../../src/domain/pool-config.js';
import { until } from '../support/until.js';
import { faultOf, soon } from './demand.suite.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Peer extends GearmanServer {
  readonly asked: string[];
  open(): number;
}

async function peer(answer: (socket: Socket) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const server = createServer(socket => {
    sockets.add(socket);
    socket.setNoDelay().on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', question => {
      asked.push(question.toString());
      answer(socket);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port, asked, open: () => sockets.size };
}

const gearman = openGearman();
const saying = (text: string) => peer(socket => socket.write(text));

describe('the Gearman client', () => {
  it('asks once, in words, and leaves', async () => {
    const server = await saying('build:a:b\t3\t1\t2\n.\n');
    const { functions } = await gearman.status(server, soon);
    expect(functions).toEqual([{ name: 'build:a:b', total: 3, running: 1, workers: 2 }]);
    expect(server.asked).toEqual(['status\n']);
    await until(() => server.open() === 0);
  });

  it('reads lines that end with CR LF, and an empty answer', async () => {
    const server = await saying('a\t1\t0\t0\r\nb\t0\t0\t4\r\n.\r\n');
    expect((await gearman.status(server, soon)).functions.map(each => each.name)).toEqual(['a', 'b']);
    expect(await gearman.status(await saying('.\n'), soon)).toEqual({ functions: [], malformed: [] });
  });

  it('reads an answer that comes byte by byte, characters of several bytes too', async () => {
    const bytes = Buffer.from('build:prüfen ☂:bare\t2\t0\t0\nb\t1\t1\t1\n.\n');
    const server = await peer(socket => {
      let at = 0;
      const next = (): void => {
        if (at < bytes.length) socket.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    });
    const { functions } = await gearman.status(server, soon);
    expect(functions.map(each => each.name)).toEqual(['build:prüfen ☂:bare', 'b']);
  });

  it('reads 5000 rows', async () => {
    const rows = Array.from(
      { length: 5000 },
      (_, index) => `build:gate-tempest-dsvm-${index}:devstack-precise\t1\t0\t0\n`,
    );
    const { functions } = await gearman.status(await saying(`${rows.join('')}.\n`), soon);
    expect(functions).toHaveLength(5000);
    expect(functions.at(-1)?.name).toBe('build:gate-tempest-dsvm-4999:devstack-precise');
  });

  it('skips lines that are none, and says so', async () => {
    const bad = ['no tabs', 'a\t1\t2', 'a\t1\tx\t0', 'a\t1\t0\t0\t0', '\t1\t0\t0', 'a\t-1\t0\t0', ''];
    const server = await saying(`good\t1\t0\t0\n${bad.join('\n')}\ngood too\t1\t0\t0\n.\n`);
    const { functions, malformed } = await gearman.status(server, soon);
    expect(functions.map(each => each.name)).toEqual(['good', 'good too']);
    expect(malformed).toEqual(bad);
  });

  it('keeps little of what it skips', async () => {
    const server = await saying(`${`${'x'.repeat(1000)}\n`.repeat(500)}.\n`);
    const { malformed } = await gearman.status(server, soon);
    expect(malformed).toHaveLength(100);
    expect(malformed[0]).toHaveLength(200);
  });

  it.each([
    'ERR unknown_command Unknown+server+command\r\n',
    'HTTP/1.1 400 Bad Request\r\n\r\n<html>',
    'SSH-2.0-OpenSSH\r\n',
  ])('takes %j for no Gearman server', async text => {
    expect(await faultOf(gearman.status(await saying(text), soon))).toBe('gearman.bad-answer');
  });

  it.each([
    ['nothing', ''],
    ['whole lines', 'a\t1\t0\t0\n'],
    ['half a line', 'a\t1\t0\t0\nb\t1'],
    ['a point that does not end', 'a\t1\t0\t0\n.'],
  ])('takes an answer that ends early for none: %s', async (_, text) => {
    const server = await peer(socket => socket.end(text));
    expect(await faultOf(gearman.status(server, soon))).toBe('gearman.bad-answer');
  });

  it('does not take a connection that is reset in mid-answer for a short list', async () => {
    const server = await peer(socket => socket.write('a\t1\t0\t0\n', () => socket.resetAndDestroy()));
    expect(await faultOf(gearman.status(server, soon))).toMatch(/^gearman\.(bad-answer|unreachable)$/);
  });

  it.each([
    ['nothing', ''],
    ['half a line', 'a\t1\t0'],
    ['no end', 'a\t1\t0\t0\n'],
  ])('gives up at its deadline on a server that says %s', async (_, text) => {
    const server = await saying(text);
    expect(await faultOf(gearman.status(server, { deadlineMs: 60 }))).toBe('gearman.timeout');
    await until(() => server.open() === 0);
  });

  it('gives up at its deadline on a server that talks for ever', async () => {
    const server = await peer(socket => {
      const timer = setInterval(() => socket.write('a'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await faultOf(gearman.status(server, { deadlineMs: 100 }))).toBe('gearman.timeout');
  });

  it('stops reading an answer that is too long', async () => {
    const block = Buffer.alloc(1024 * 1024, 'x');
    const server = await peer(socket => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on('drain', more);
      more();
    });
    expect(await faultOf(gearman.status(server, soon))).toBe('gearman.bad-answer');
  });

  it('gives up when its caller does', async () => {
    const server = await saying('');
    const aborter = new AbortController();
    const call = faultOf(gearman.status(server, { ...soon, signal: aborter.signal }));
    await until(() => server.asked.length > 0);
    aborter.abort();
    expect(await call).toBe('gearman.timeout');
    await until(() => server.open() === 0);
  });

  it('takes a name that does not resolve, and a port that is none, as unreachable', async () => {
    expect(await faultOf(gearman.status({ host: 'no.such.host.invalid', port: 4730 }, soon))).toBe(
      'gearman.unreachable',
    );
    expect(await faultOf(gearman.status({ host: '127.0.0.1', port: 70_000 }, soon))).toBe('gearman.unreachable');
  });
});
