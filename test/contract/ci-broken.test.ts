import { afterEach, describe, expect, it } from 'vitest';
import { JenkinsClient } from '../../src/adapters/jenkins/client.js';
import { Fault } from '../../src/domain/fault.js';
import { nodeName } from '../../src/domain/ids.js';
import { faultOf, soon, spec } from './ci.suite.js';
import { reply, startPeer, type Peer, type PeerAnswer } from './ci-peer.js';

const page = '<html><head><title>Sign in</title></head><body>Please wait</body></html>';
const done = reply(302, '', { location: 'http://elsewhere.invalid/computer/' });
const name = nodeName('n1');
const configOf = (host: string): string =>
  `<?xml version="1.1" encoding="UTF-8"?>\n<slave><name>n1</name><launcher class="x" plugin="ssh-slaves@1.6">` +
  `<host>${host}</host><port>22</port></launcher><label>devstack</label></slave>`;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map(end => end()));
});

async function open(answer: PeerAnswer, root = ''): Promise<{ peer: Peer; ci: JenkinsClient }> {
  const peer = await startPeer(answer);
  const master = { user: 'nodepool', apikey: 'secret', credentialsId: 'ID', testJob: null };
  const ci = new JenkinsClient({ ...master, url: peer.url + root });
  ends.push(async () => {
    await ci.close();
    await peer.close();
  });
  return { peer, ci };
}

const half: PeerAnswer = (_, response) => {
  response.writeHead(200, { 'content-length': '9' });
  response.write('{', () => response.destroy());
};

/** Answers in turn, the last one for ever. */
function inTurn(...answers: PeerAnswer[]): PeerAnswer {
  let turn = 0;
  return (...exchange) => answers[Math.min(turn++, answers.length - 1)]?.(...exchange);
}

describe('the Jenkins client', () => {
  it('sends its credentials with the first request, below a path too, and names in percent', async () => {
    const { peer, ci } = await open(done, '/jenkins');
    await ci.deleteNode(nodeName('näme with/slash'), soon);
    expect(peer.lines()).toEqual(['POST /jenkins/computer/n%C3%A4me%20with%2Fslash/doDelete']);
    const basic = Buffer.from('nodepool:secret').toString('base64');
    expect(peer.requests[0]?.headers.authorization).toBe(`Basic ${basic}`);
  });

  it('does not follow a redirect', async () => {
    const { peer, ci } = await open(done);
    await ci.createNode(spec('n1'), soon);
    expect(peer.lines()).toEqual(['POST /computer/doCreateItem']);
  });

  it('does not take the redirect of a proxy to itself for success', async () => {
    const { ci } = await open((request, response) => {
      reply(302, '', { location: `https://jenkins.invalid${request.line.split(' ')[1] ?? ''}` })(request, response);
    });
    expect(await faultOf(ci.deleteNode(name, soon))).toBe('jenkins.bad-answer');
  });

  it.each([
    [401, 'jenkins.auth'],
    [403, 'jenkins.auth'],
    [400, 'jenkins.refused'],
    [405, 'jenkins.refused'],
    [429, 'jenkins.error'],
    [500, 'jenkins.error'],
    [502, 'jenkins.error'],
    [503, 'jenkins.unreachable'],
    [302, 'jenkins.bad-answer'],
  ])('takes %i as %s, and never as the absence of a node', async (status, kind) => {
    const { ci } = await open(reply(status, page));
    expect(await faultOf(ci.nodeExists(name, soon))).toBe(kind);
    expect(await faultOf(ci.listNodes(soon))).toBe(kind);
  });

  it.each([
    ['a refusal', reply(404, page), 'GET HOST/jenkins/computer/api/json: HTTP 404'],
    ['a page', reply(200, page), 'GET HOST/jenkins/computer/api/json: the answer is not JSON'],
    ['half an answer', half, 'GET HOST/jenkins/computer/api/json: the answer was cut off'],
    ['silence', () => undefined, 'HOST did not answer within 300 ms'],
  ])('names the master in the words of %s', async (_, answer, words) => {
    const { peer, ci } = await open(answer, '/jenkins');
    const fault: unknown = await ci.listNodes({ deadlineMs: 300 }).catch((error: unknown) => error);
    expect((fault as Fault).message).toBe(words.replace('HOST', new URL(peer.url).host));
  });

  it('names a master that is not there once', async () => {
    const ci = new JenkinsClient({
      user: 'u',
      apikey: 'k',
      credentialsId: null,
      testJob: null,
      url: 'http://127.0.0.1:1',
    });
    ends.push(() => ci.close());
    await expect(ci.status(soon)).rejects.toThrow(
      new Fault('jenkins.unreachable', 'GET 127.0.0.1:1/api/json: no answer: connect ECONNREFUSED 127.0.0.1:1'),
    );
  });

  it('passes on how long it is asked to wait', async () => {
    const { ci } = await open(reply(503, page, { 'retry-after': '7' }));
    const fault: unknown = await ci.status(soon).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Fault);
    expect((fault as Fault).retryAfterMs).toBe(7000);
  });

  it.each([
    ['a page', page],
    ['half of its JSON', '{"quietingDown":fal'],
    ['something else', '[]'],
    ['null', 'null'],
    ['nothing', ''],
  ])('takes %s with status 200 for no answer', async (_, body) => {
    const { ci } = await open(reply(200, body));
    expect(await faultOf(ci.status(soon))).toBe('jenkins.bad-answer');
    expect(await faultOf(ci.listNodes(soon))).toBe('jenkins.bad-answer');
    expect(await faultOf(ci.deleteNode(name, soon))).toBe('jenkins.bad-answer');
    expect(await faultOf(ci.createNode(spec('n1'), soon))).toBe('jenkins.bad-answer');
  });

  it('does not shorten a list by an entry that it cannot read', async () => {
    const { ci } = await open(
      reply(200, '{"computer":[{"displayName":"master"},{"displayName":"n1","offline":true}]}'),
    );
    expect(await faultOf(ci.listNodes(soon))).toBe('jenkins.bad-answer');
  });

  it('takes an answer that is cut off for none', async () => {
    const { ci } = await open((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"quietingDown":false', () => response.destroy());
    });
    expect(await faultOf(ci.status(soon))).toBe('jenkins.bad-answer');
  });

  it('stops reading an answer without an end', async () => {
    const { ci } = await open((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.on('drain', more).writeHead(200);
      more();
    });
    expect(await faultOf(ci.status(soon))).toBe('jenkins.bad-answer');
  });

  it('keeps its deadline when nobody answers, nor ends an answer', async () => {
    const { ci } = await open(() => undefined);
    expect(await faultOf(ci.status({ deadlineMs: 80 }))).toBe('jenkins.timeout');
    const { ci: slow } = await open((_, response) => void response.writeHead(200).write('{'));
    expect(await faultOf(slow.status({ deadlineMs: 80 }))).toBe('jenkins.timeout');
  });

  it('takes a cut connection as unreachable', async () => {
    const { ci } = await open((_, response) => response.destroy());
    expect(await faultOf(ci.createNode(spec('n1'), soon))).toBe('jenkins.unreachable');
    expect(await faultOf(ci.nodeExists(name, soon))).toBe('jenkins.unreachable');
  });

  it('keeps two connections, and uses them again', async () => {
    const { peer, ci } = await open(reply(404));
    await Promise.all(Array.from({ length: 20 }, () => ci.nodeExists(name, soon)));
    expect(new Set(peer.requests.map(request => request.connection)).size).toBeLessThanOrEqual(2);
  });

  it('asks for a crumb once, when the master refuses for want of it, and keeps its session', async () => {
    let issued = 0;
    const { peer, ci } = await open((request, response) => {
      const isIssuer = request.line.endsWith('/crumbIssuer/api/json');
      const isKnown =
        request.headers['jenkins-crumb'] === `c${issued}` && request.headers.cookie === `JSESSIONID=s${issued}; lb=1`;
      if (isIssuer) {
        issued += 1;
        const cookies = [`JSESSIONID=s${issued}; Path=/; HttpOnly`, 'lb=1; Path=/'];
        const body = JSON.stringify({ crumb: `c${issued}`, crumbRequestField: 'Jenkins-Crumb' });
        return reply(200, body, { 'set-cookie': cookies })(request, response);
      }
      return (isKnown ? done : reply(403, '<h1>No valid crumb was included in the request</h1>'))(request, response);
    });
    await ci.deleteNode(name, soon);
    await ci.createNode(spec('n2'), soon);
    expect(peer.lines()).toEqual([
      'POST /computer/n1/doDelete',
      'GET /crumbIssuer/api/json',
      'POST /computer/n1/doDelete',
      'POST /computer/doCreateItem',
    ]);
    issued += 1;
    await ci.deleteNode(name, soon);
    expect(peer.lines().filter(line => line.startsWith('GET'))).toHaveLength(2);
  });

  it('takes a refusal as it is where there are no crumbs, and asks for none when the refusal says nothing of them', async () => {
    const refusal = reply(403, 'No valid crumb was included in the request');
    const { peer, ci } = await open((request, response) =>
      (request.line.startsWith('GET') ? reply(404) : refusal)(request, response),
    );
    expect(await faultOf(ci.deleteNode(name, soon))).toBe('jenkins.auth');
    expect(peer.requests).toHaveLength(2);
    const { peer: other, ci: forbidden } = await open(reply(403, 'nodepool is missing the Agent/Delete permission'));
    expect(await faultOf(forbidden.deleteNode(name, soon))).toBe('jenkins.auth');
    expect(other.requests).toHaveLength(1);
  });

  it('takes a name that is taken by its own earlier try for success', async () => {
    const { peer, ci } = await open(inTurn(reply(400, page), reply(200, configOf('192.0.2.1'))));
    await ci.createNode(spec('n1'), soon);
    expect(peer.lines()).toEqual(['POST /computer/doCreateItem', 'GET /computer/n1/config.xml']);
  });

  it('replaces a node of another host, once', async () => {
    const stale = reply(200, configOf('192.0.2.99'));
    const { peer, ci } = await open(inTurn(reply(400), stale, done, done));
    await ci.createNode(spec('n1'), soon);
    expect(peer.lines()).toEqual([
      'POST /computer/doCreateItem',
      'GET /computer/n1/config.xml',
      'POST /computer/n1/doDelete',
      'POST /computer/doCreateItem',
    ]);
    const { peer: stubborn, ci: again } = await open(inTurn(reply(400), stale, done, reply(400)));
    expect(await faultOf(again.createNode(spec('n1'), soon))).toBe('jenkins.refused');
    expect(stubborn.requests).toHaveLength(4);
  });

  it.each([
    ['a page', reply(200, page), 'jenkins.bad-answer'],
    ['half a document', reply(200, configOf('192.0.2.99').slice(0, -8)), 'jenkins.bad-answer'],
    ['a refusal', reply(403), 'jenkins.auth'],
  ])('deletes nothing when it cannot read whose node it is: %s', async (_, config, kind) => {
    const { peer, ci } = await open(inTurn(reply(400), config, done));
    expect(await faultOf(ci.createNode(spec('n1'), soon))).toBe(kind);
    expect(peer.requests).toHaveLength(2);
  });

  it('takes 400 for a name that nobody has as a refusal of the name', async () => {
    const { ci } = await open(inTurn(reply(400), reply(404)));
    expect(await faultOf(ci.createNode(spec('n1'), soon))).toBe('jenkins.refused');
  });

  it('tells a node that is gone from a master that fails, when setting offline', async () => {
    const { ci: gone } = await open(inTurn(reply(500), reply(404)));
    expect(await gone.setOffline(name, 'used', soon)).toBe(false);
    const { ci: failing } = await open(inTurn(reply(500), reply(200, configOf('192.0.2.1'))));
    expect(await faultOf(failing.setOffline(name, 'used', soon))).toBe('jenkins.error');
  });

  it('takes what does not speak HTTP for no Jenkins', async () => {
    const { ci } = await open((_, response) => void response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'));
    expect(await faultOf(ci.status(soon))).toBe('jenkins.bad-answer');
  });
});
