import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openCloud } from '../../src/adapters/openstack/cloud.js';
import { flavorId, imageId, serverId } from '../../src/domain/ids.js';
import type { CloudPort, ServerSpec } from '../../src/ports/cloud.js';
import { until } from '../support/until.js';
import { half, ok, reset, send, sendHtml, sendJson, silent, startPeer, type Answer, type Peer } from './cloud-peer.js';
import { rejectsWith } from './cloud.suite.js';

const call = { deadlineMs: 10_000 };
const LIST = 'GET /v2.1/servers/detail';
const TOKENS = 'POST /v3/auth/tokens';
const CREATE = 'POST /v2.1/servers';
const spec: ServerSpec = {
  name: 'n',
  imageId: imageId('i'),
  flavorId: flavorId('f'),
  az: 'az1',
  networks: [{ id: 'net', portId: null, fixedIp: null }],
  metadata: { tag: 'x' },
  keyName: 'k',
  configDrive: true,
  securityGroups: ['ssh'],
  userData: '#cloud-config\n',
};

describe('an OpenStack that misbehaves', () => {
  let peer: Peer;
  let cloud: CloudPort;

  beforeEach(async () => {
    peer = await startPeer();
    cloud = openCloud(peer.access());
  });

  afterEach(async () => {
    await cloud.close();
    await peer.close();
  });

  describe('tokens', () => {
    it('are renewed once on a 401, by all calls together', async () => {
      peer.on(LIST, (request, response, body) => {
        const isOld = request.headers['x-auth-token'] === 't1';
        (isOld ? sendJson(401, { error: { message: 'expired' } }) : ok)(request, response, body);
      });
      await Promise.all([1, 2, 3, 4].map(() => cloud.listServers(call)));
      expect(peer.countOf(TOKENS)).toBe(2);
    });

    it('that are refused again end the call', async () => {
      peer.on(LIST, sendJson(401, { error: { message: 'no' } }));
      await rejectsWith(cloud.listServers(call), 'cloud.auth');
      expect(peer.countOf(LIST)).toBe(2);
    });

    it('are kept over calls', async () => {
      peer.on(LIST, ok);
      for (let index = 0; index < 5; index++) await cloud.listServers(call);
      expect(peer.countOf(TOKENS)).toBe(1);
    });

    it('that are over are renewed, whatever the date of the cloud', async () => {
      const brief = await startPeer({ tokenSeconds: 0 });
      const other = openCloud(brief.access());
      brief.on(LIST, ok);
      await other.listServers(call);
      await other.listServers(call);
      expect(brief.countOf(TOKENS)).toBe(2);
      await other.close();
      await brief.close();
    });

    it('are asked for by project and user, with their domains', async () => {
      peer.on(LIST, ok);
      await cloud.listServers(call);
      const domain = { id: 'default' };
      expect(peer.bodies.get(TOKENS)).toEqual({
        auth: {
          identity: { methods: ['password'], password: { user: { name: 'u', password: 'secret', domain } } },
          scope: { project: { name: 'p', domain } },
        },
      });
    });

    it('are not waited for longer than the call may take', async () => {
      peer.on(TOKENS, silent);
      await rejectsWith(cloud.listServers({ deadlineMs: 100 }), 'cloud.timeout');
    });

    it('do not show the password in a fault', async () => {
      peer.on(TOKENS, sendJson(401, { error: { message: 'Invalid user' } }));
      const fault = await rejectsWith(cloud.listServers(call), 'cloud.auth');
      expect(fault.message).toContain('Invalid user');
      expect(fault.message).not.toContain('secret');
    });
  });

  describe('discovery', () => {
    it.each([
      ['v3', { versions: { values: [{ id: 'v3.14' }, { id: 'v2.0' }] } }, '/v3/auth/tokens'],
      ['v2.0', { versions: { values: [{ id: 'v2.0' }] } }, '/v2.0/tokens'],
      ['v2.0 in a flat list', { versions: [{ id: 'v2.0' }] }, '/v2.0/tokens'],
    ])('finds %s behind an auth-url without version', async (_name, versions, path) => {
      const credentials = { ...peer.access().credentials, authUrl: peer.url };
      const other = openCloud(peer.access({ credentials }));
      peer.on('GET /', sendJson(300, versions));
      await other.listServers(call).catch(() => undefined);
      expect(peer.requests.slice(0, 2)).toEqual(['GET /', `POST ${path}`]);
      await other.close();
    });

    it('of something else is a bad answer', async () => {
      const credentials = { ...peer.access().credentials, authUrl: peer.url };
      const other = openCloud(peer.access({ credentials }));
      peer.on('GET /', sendHtml(200));
      await rejectsWith(other.listServers(call), 'cloud.bad-answer');
      await other.close();
    });

    it('of an auth-url that is no URL says so', async () => {
      const credentials = { ...peer.access().credentials, authUrl: 'fake' };
      const other = openCloud(peer.access({ credentials }));
      await rejectsWith(other.listServers(call), 'cloud.no-endpoint');
      await other.close();
    });
  });

  describe('a read', () => {
    it('of a silent peer ends at its deadline', async () => {
      peer.on(LIST, silent);
      await rejectsWith(cloud.listServers({ deadlineMs: 200 }), 'cloud.timeout');
    });

    it('that is called off ends at once', async () => {
      peer.on(LIST, silent);
      const abort = new AbortController();
      const outcome = rejectsWith(cloud.listServers({ ...call, signal: abort.signal }), 'cloud.timeout');
      await until(() => peer.countOf(LIST) === 1);
      abort.abort();
      await outcome;
    });

    it('over a closed connection is repeated once, lesson 22', async () => {
      peer.on(LIST, reset, ok);
      expect(await cloud.listServers(call)).toEqual([]);
      expect(peer.countOf(LIST)).toBe(2);
    });

    it('over a connection that a firewall has forgotten is in vain once, and not used again, lesson 22', async () => {
      const sockets: Socket[] = [];
      const noting =
        (answer: Answer): Answer =>
        (request, response, body) => {
          sockets.push(request.socket);
          answer(request, response, body);
        };
      peer.on(LIST, noting(ok), noting(silent), noting(ok));
      await cloud.listServers(call);
      await rejectsWith(cloud.listServers({ deadlineMs: 200 }), 'cloud.timeout');
      expect(await cloud.listServers(call)).toEqual([]);
      const [, forgotten, last] = sockets;
      expect(last === forgotten).toBe(false);
    });

    it('over a connection that is always closed is unreachable', async () => {
      peer.on(LIST, reset);
      await rejectsWith(cloud.listServers(call), 'cloud.unreachable');
      expect(peer.countOf(LIST)).toBe(2);
    });

    it('that is cut in half is unreachable, not a shorter list', async () => {
      peer.on(LIST, half);
      await rejectsWith(cloud.listServers(call), 'cloud.unreachable');
    });

    it.each([
      ['a page of a proxy', sendHtml(200)],
      ['half of its JSON', send(200, '{"servers": [{"id": "a"')],
      ['an empty body', send(200, '')],
      ['a list without servers', sendJson(200, { flavors: [] })],
      ['a server without status', sendJson(200, { servers: [{ id: 'a' }] })],
      ['a page elsewhere', send(302, '', { location: 'http://example.org/' })],
      ['a route of nobody', sendHtml(404)],
      ['not found', sendJson(404, { itemNotFound: { message: 'no' } })],
    ])('that gets %s is a bad answer', async (_name, answer) => {
      peer.on(LIST, answer);
      await rejectsWith(cloud.listServers(call), 'cloud.bad-answer');
    });

    it('of a peer that speaks no HTTP is a fault', async () => {
      peer.on(LIST, request => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
      await rejectsWith(cloud.listServers(call), 'cloud.bad-answer');
    });

    it('of nobody is unreachable', async () => {
      await peer.close();
      await rejectsWith(cloud.listServers(call), 'cloud.unreachable');
      peer = await startPeer();
    });

    it('larger than its limit is a bad answer, and is not read to its end', async () => {
      peer.on(LIST, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const block = Buffer.alloc(1 << 20, 32);
        const more = (): void => {
          if (!response.destroyed) response.write(block, more);
        };
        more();
      });
      await rejectsWith(cloud.listServers(call), 'cloud.bad-answer');
    });

    it('of a server believes only Nova that it is gone', async () => {
      peer.on('GET /v2.1/servers/a', sendHtml(404));
      await rejectsWith(cloud.getServer(serverId('a'), call), 'cloud.bad-answer');
      peer.on('GET /v2.1/servers/a', sendJson(404, { itemNotFound: { code: 404, message: 'gone' } }));
      expect(await cloud.getServer(serverId('a'), call)).toBeNull();
    });
  });

  describe('pages', () => {
    const server = (id: string) => ({ id, name: id, status: 'ACTIVE' });
    const page = (ids: string[], marker: string | null) =>
      sendJson(200, {
        servers: ids.map(server),
        ...(marker === null
          ? {}
          : {
              servers_links: [
                { rel: 'next', href: `https://internal.invalid/x/servers/detail?limit=2&marker=${marker}` },
              ],
            }),
      });

    it('are followed by their query, on the endpoint of the catalogue, lesson 4', async () => {
      peer.on(LIST, page(['a', 'b'], 'b'), page(['c'], null));
      expect((await cloud.listServers(call)).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
      expect(peer.requests.at(-1)).toBe(`${LIST}?limit=2&marker=b`);
    });

    it('that lead back end the list with a fault', async () => {
      peer.on(LIST, page(['a', 'b'], 'b'), page(['c', 'd'], 'd'), page(['a', 'b'], 'b'));
      await rejectsWith(cloud.listServers(call), 'cloud.bad-answer');
      expect(peer.countOf(LIST)).toBe(3);
    });

    it('of which one fails fail the list, lesson 4', async () => {
      peer.on(LIST, page(['a', 'b'], 'b'), sendJson(500, { computeFault: { message: 'oops' } }));
      await rejectsWith(cloud.listServers(call), 'cloud.error');
    });

    it('whose mark was deleted meanwhile are read again from the first', async () => {
      const gone = sendJson(400, { badRequest: { code: 400, message: 'marker [b] not found' } });
      peer.on(LIST, page(['a', 'b'], 'b'), gone, page(['a', 'c'], null));
      expect((await cloud.listServers(call)).map(({ id }) => id)).toEqual(['a', 'c']);
    });

    it('that change all the time are a conflict', async () => {
      const gone = sendJson(400, { badRequest: { code: 400, message: 'marker not found' } });
      const pairs = [1, 2, 3, 4].flatMap(() => [page(['a', 'b'], 'b'), gone]);
      peer.on(LIST, ...pairs);
      await rejectsWith(cloud.listServers(call), 'cloud.conflict');
    });

    it('of images follow a path', async () => {
      const image = (id: string) => ({ id, name: id, status: 'active', size: 5, os: 'debian' });
      peer.on(
        'GET /v2/images',
        sendJson(200, { images: [image('a')], next: '/v2/images?marker=a' }),
        sendJson(200, { images: [image('b')] }),
      );
      expect(await cloud.listImages(call)).toEqual([
        { id: 'a', name: 'a', status: 'active', metadata: { os: 'debian' } },
        { id: 'b', name: 'b', status: 'active', metadata: { os: 'debian' } },
      ]);
    });

    it('of images come from Nova where the catalogue has no image service', async () => {
      const old = await startPeer({ services: ['compute'] });
      const other = openCloud(old.access());
      old.on(
        'GET /v2.1/images/detail',
        sendJson(200, { images: [{ id: 7, name: 'precise', status: 'ACTIVE', metadata: { a: 1 } }] }),
      );
      expect(await other.listImages(call)).toEqual([
        { id: '7', name: 'precise', status: 'active', metadata: { a: '1' } },
      ]);
      await other.close();
      await old.close();
    });
  });

  describe('a create', () => {
    it('sends what was asked for and nothing else', async () => {
      peer.on(CREATE, sendJson(202, { server: { id: 42, adminPass: 'x' } }));
      expect(await cloud.createServer(spec, call)).toBe('42');
      expect(peer.bodies.get(CREATE)).toEqual({
        server: {
          name: 'n',
          imageRef: 'i',
          flavorRef: 'f',
          min_count: 1,
          max_count: 1,
          metadata: { tag: 'x' },
          key_name: 'k',
          availability_zone: 'az1',
          config_drive: true,
          security_groups: [{ name: 'ssh' }],
          user_data: 'I2Nsb3VkLWNvbmZpZwo=',
          networks: [{ uuid: 'net' }],
        },
      });
    });

    it('is sent once, whatever becomes of the connection', async () => {
      peer.on(CREATE, reset);
      await rejectsWith(cloud.createServer(spec, call), 'cloud.unreachable');
      expect(peer.countOf(CREATE)).toBe(1);
    });

    it.each([
      ['in HTML', sendHtml(202)],
      ['without an id', sendJson(202, { server: {} })],
    ])('that was accepted %s is in doubt, not refused', async (_name, answer) => {
      peer.on(CREATE, answer);
      await rejectsWith(cloud.createServer(spec, call), 'cloud.error');
    });

    it('that is over its size is refused', async () => {
      peer.on(CREATE, sendHtml(413));
      await rejectsWith(cloud.createServer(spec, call), 'cloud.refused');
    });
  });

  describe('closing', () => {
    it('waits for the calls in hand and refuses later ones', async () => {
      let answer = (): void => undefined;
      peer.on(CREATE, (request, response, body) => {
        answer = () => sendJson(202, { server: { id: 'a' } })(request, response, body);
      });
      const created = cloud.createServer(spec, call);
      await until(() => peer.countOf(CREATE) === 1);
      const closed = cloud.close();
      answer();
      expect(await created).toBe('a');
      await closed;
      await rejectsWith(cloud.listServers(call), 'cloud.unreachable');
    });
  });
});
