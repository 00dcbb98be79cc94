import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openGearman } from '../../src/adapters/gearman/client.js';
import { startWorld } from '../../src/sim/world.js';
import { startGearmand } from '../support/gearmand.js';
import { until } from '../support/until.js';
import { demandContract, faultOf, soon } from './demand.suite.js';

demandContract('gearmand', async () => {
  const gearmand = await startGearmand();
  const client = connect(gearmand);
  await once(client, 'connect');
  return {
    source: openGearman(),
    server: { host: gearmand.host, port: gearmand.port },
    submit: (name, count) => submit(client, name, count),
    down: async () => {
      client.destroy();
      await gearmand.stop();
    },
    end: () => gearmand.stop(),
  };
});

const jobCreated = 8;
const submitJob = 7;
const headerBytes = 12;

/** Jobs of the foreground, as Zuul sends them: they are gone with the connection. */
async function submit(client: Socket, name: string, count: number): Promise<void> {
  let answers = Buffer.alloc(0);
  const read = (chunk: Buffer): void => void (answers = Buffer.concat([answers, chunk]));
  client.on('data', read);
  for (let index = 0; index < count; index += 1) client.write(submission(name, `${name} ${index}`));
  await until(() => countPackets(answers) === count);
  client.off('data', read);
}

function submission(name: string, unique: string): Buffer {
  const body = Buffer.from(`${name}\0${unique}\0{}`);
  const header = Buffer.alloc(headerBytes);
  header.write('\0REQ', 0, 'latin1');
  header.writeUInt32BE(submitJob, 4);
  header.writeUInt32BE(body.length, 8);
  return Buffer.concat([header, body]);
}

function countPackets(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at + headerBytes <= bytes.length; at += headerBytes + bytes.readUInt32BE(at + 8)) {
    if (bytes.readUInt32BE(at + 4) === jobCreated) count += 1;
  }
  return count;
}

describe('the Gearman client and the simulated server', () => {
  it('gets through each of its faults', async () => {
    const world = await startWorld({ clouds: [], masters: [] });
    const { gearman } = world;
    const server = gearman?.simulated;
    if (gearman === null || server == null) throw new Error('the world has no Gearman server');
    const source = openGearman();
    const ask = (deadlineMs = soon.deadlineMs) => source.status(gearman, { deadlineMs });
    server.failNext({ kind: 'lines', lines: ['build:a b:c\t2\t1\t0', 'nonsense'] });
    const answer = await ask();
    expect(answer.functions).toContainEqual({ name: 'build:a b:c', total: 2, running: 1, workers: 0 });
    expect(answer.malformed).toEqual(['nonsense']);
    server.failNext({ kind: 'byte-wise' });
    expect((await ask()).malformed).toEqual([]);
    server.failNext({ kind: 'half-answer' });
    expect(await faultOf(ask())).toBe('gearman.bad-answer');
    server.failNext({ kind: 'error' });
    expect(await faultOf(ask())).toBe('gearman.bad-answer');
    server.failNext({ kind: 'reset' });
    expect(await faultOf(ask())).toMatch(/^gearman\.(bad-answer|unreachable)$/);
    server.failNext({ kind: 'silent' });
    expect(await faultOf(ask(80))).toBe('gearman.timeout');
    await server.down();
    expect(await faultOf(ask())).toBe('gearman.unreachable');
    await world.close();
  });
});
