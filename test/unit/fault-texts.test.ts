/** What people read of a connection that failed: whole texts, with the advice that they end in. */
import { expect, test } from 'vitest';
import { replyOf } from '../../src/actors/outcome.js';
import { parseUrl } from '../../src/adapters/openstack/http.js';
import { toFault } from '../../src/db/faults.js';
import { Fault, faultKinds, named, withNext } from '../../src/domain/fault.js';
import { threadEnded, troubleWords } from '../../src/domain/trouble.js';
import type { AskOutcome } from '../../src/runtime/actor.js';

const node = (code: string, message: string, more: object = {}) => Object.assign(new Error(message), { code, ...more });

const descriptors =
  'raise LimitNOFILE of the unit of nodepoold (ulimit -n), and fs.file-max where that is the limit; the other side is not asked';

test.each([
  [
    'no descriptor for a connection',
    node('EMFILE', 'connect EMFILE 127.0.0.1:30051 - Local (undefined:undefined)'),
    'this machine has no file descriptor left for it (EMFILE)',
    descriptors,
  ],
  [
    'no descriptor in the whole system',
    node('ENFILE', 'connect ENFILE 127.0.0.1:4730'),
    'this machine has no file descriptor left for it (ENFILE)',
    descriptors,
  ],
  [
    'no descriptor for a thread',
    node('ERR_WORKER_INIT_FAILED', 'Worker initialization failure: EMFILE'),
    'this machine has no file descriptor left for it (EMFILE)',
    descriptors,
  ],
  [
    'no thread for a thread',
    node('ERR_WORKER_INIT_FAILED', 'Worker initialization failure: EAGAIN'),
    'this machine can start no more threads (EAGAIN)',
    'raise TasksMax and LimitNPROC of the unit of nodepoold (ulimit -u)',
  ],
  [
    'no memory',
    node('ENOMEM', 'connect ENOMEM 127.0.0.1:22'),
    'this machine has no memory left for it (ENOMEM)',
    'give this machine or the unit of nodepoold more memory; the other side is not asked',
  ],
  [
    'no port',
    node('EADDRNOTAVAIL', 'connect EADDRNOTAVAIL 127.0.0.1:22 - Local (0.0.0.0:0)'),
    'this machine has no address or port of its own to connect from (EADDRNOTAVAIL)',
    'see ss -s for connections without end, and ip address for an address of the same family; widen net.ipv4.ip_local_port_range',
  ],
  [
    'a full disk',
    node('ENOSPC', 'ENOSPC: no space left on device, write'),
    'the disk of this machine has no room left for it (ENOSPC)',
    'free space on that disk',
  ],
  [
    'a name that is not there',
    node('ENOTFOUND', 'getaddrinfo ENOTFOUND cloud.invalid', { hostname: 'cloud.invalid' }),
    'its name does not resolve (ENOTFOUND, cloud.invalid)',
    'check how the name is spelt, and on this machine: getent hosts NAME',
  ],
  [
    'a name server that does not answer',
    node('EAI_AGAIN', 'getaddrinfo EAI_AGAIN cloud.example', { hostname: 'cloud.example' }),
    'its name cannot be looked up (EAI_AGAIN, cloud.example)',
    'check the name servers of this machine (/etc/resolv.conf); it is tried again',
  ],
  [
    'a certificate of nobody',
    node('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'),
    'its certificate is of an authority that is not trusted here (DEPTH_ZERO_SELF_SIGNED_CERT)',
    'name that authority: cacert of a provider, ssl-ca of gearman-servers, sslrootcert or ssl_ca in dburi, NODE_EXTRA_CA_CERTS in the environment of nodepoold for a master',
  ],
  [
    'a certificate that has ended',
    node('CERT_HAS_EXPIRED', 'certificate has expired'),
    'its certificate has ended (CERT_HAS_EXPIRED)',
    'have its operator renew the certificate; where it is new, check the clock of this machine (timedatectl)',
  ],
  [
    'a certificate for another',
    node('ERR_TLS_CERT_ALTNAME_INVALID', "Hostname/IP does not match certificate's altnames: no", {
      reason: "Host: a.example. is not in the cert's altnames: DNS:b.example",
    }),
    "its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID: Host: a.example. is not in the cert's altnames: DNS:b.example)",
    'name the host as its certificate does (in auth-url, the catalogue of the cloud, jenkins.url or dburi), or have the certificate made for this name',
  ],
  [
    'https to a port of http',
    node(
      'EPROTO',
      'write EPROTO 80D2:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/x.c:355:\n',
    ),
    'what answers there does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)',
    'name the port that speaks TLS, or leave TLS out: http:// in a URL, no ssl-… keys of gearman-servers',
  ],
])('%s', (_what, error, words, next) => {
  expect(troubleWords(error)).toBe(words);
  const fault = new Fault('cloud.unreachable', `GET cloud.example/v2.1/servers: ${words}`);
  expect(fault.next).toBe(next);
  // As it is read back from a row, and from a worker thread.
  expect(withNext(named(fault))).toBe(`cloud.unreachable: GET cloud.example/v2.1/servers: ${words} -> ${next}`);
  expect(Fault.fromRecord(fault.toRecord()).next).toBe(next);
});

test.each([
  ['a refused port', node('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'), 'connect ECONNREFUSED 127.0.0.1:1'],
  [
    'a name each of whose addresses refuses',
    Object.assign(new AggregateError([node('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'), node('ECONNREFUSED', '')]), {
      code: 'ECONNREFUSED',
    }),
    'connect ECONNREFUSED ::1:1, ECONNREFUSED',
  ],
  ['nothing at all', {}, 'it failed without a word'],
  ['an error without a text', new Error(''), 'it failed without a word'],
  ['no object', 'gone', 'gone'],
])('the words of %s leave the advice to the kind', (_what, error, words) => {
  expect(troubleWords(error)).toBe(words);
  expect(new Fault('cloud.unreachable', words).next).toBe(faultKinds['cloud.unreachable'].next);
});

test('a thread that ended by itself is not the cloud’s fault', () => {
  const fault = new Fault('cloud.error', `listServers: ${threadEnded}: ${troubleWords(new Error('it is broken'))}`);
  expect(withNext(named(fault))).toBe(
    'cloud.error: listServers: the worker thread ended: it is broken -> ' +
      'nodepoold starts another thread by itself; where it happens again, report it with the log around it',
  );
});

test('a thread that has no descriptor gets the advice for that, and counts as before', () => {
  const error = node('ERR_WORKER_INIT_FAILED', 'Worker initialization failure: EMFILE');
  const fault = new Fault('cloud.error', `server-changes: ${threadEnded}: ${troubleWords(error)}`);
  expect(fault).toMatchObject({ kind: 'cloud.error', retry: 'later', next: descriptors });
});

test('what a machine says of its own descriptors does not become advice about this one', () => {
  const fault = new Fault('build.script', 'the setup ended with 1: npm ERR! EMFILE: too many open files');
  expect(fault.next).toBe(faultKinds['build.script'].next);
});

test.each(['EMFILE', 'ENOMEM', 'EADDRNOTAVAIL'])(
  'a database that %s keeps us from is away, for a reason of ours',
  code => {
    const fault = toFault(node(code, `connect ${code} 127.0.0.1:5432 - Local (undefined:undefined)`));
    expect(fault.kind).toBe('store.away');
    expect(fault.message).not.toContain('undefined');
    expect(fault.next).not.toBe(faultKinds['store.away'].next);
  },
);

test('a URL that is none is told without its password', () => {
  expect(() => parseUrl('ftp://user:planted-secret@cloud/')).toThrow(
    new Fault('cloud.no-endpoint', '"ftp://cloud/" is not the URL of an HTTP service'),
  );
});

test('a key file that no descriptor is left for is not called unreadable', () => {
  const error = node('EMFILE', "EMFILE: too many open files, open '/etc/nodepool/id_rsa'");
  const fault = new Fault('ssh.key', `private key /etc/nodepool/id_rsa: ${troubleWords(error)}`);
  expect(withNext(named(fault))).toBe(
    `ssh.key: private key /etc/nodepool/id_rsa: this machine has no file descriptor left for it (EMFILE) -> ${descriptors}`,
  );
});

test('each kind has advice', () => {
  for (const { next } of Object.values(faultKinds)) expect(next.length).toBeGreaterThan(10);
});

const silence = { kind: 'timeout', asked: '/providers/rax-ord/cloud' } as const;
const inspect = 'nodepool tree shows that part of the daemon; nodepool restart PATH starts it anew';

test.each<[AskOutcome<never>, string]>([
  [
    silence,
    'actor.timeout: /providers/rax-ord/cloud did not answer in time -> ' +
      'nodepool tree shows what that part of the daemon does; nodepool restart PATH starts it anew',
  ],
  [{ kind: 'gone', asked: 'cloud:rax-ord', reason: 'unknown' }, `actor.gone: cloud:rax-ord is not there -> ${inspect}`],
  [
    { ...silence, kind: 'gone', reason: 'restarted' },
    `actor.gone: ${silence.asked} was restarted before it answered -> ${inspect}`,
  ],
  [
    { ...silence, kind: 'gone', reason: 'stopped' },
    `actor.gone: ${silence.asked} was stopped before it answered -> ${inspect}`,
  ],
  [
    { ...silence, kind: 'gone', reason: 'refused' },
    `actor.gone: ${silence.asked} has more to do than it takes -> ${inspect}`,
  ],
  [{ ...silence, kind: 'gone', reason: 'failed' }, `actor.gone: ${silence.asked} failed at the question -> ${inspect}`],
])('an ask that ends as %j names who was asked', (outcome, text) => {
  expect(told(() => replyOf(outcome))).toBe(text);
});

function told(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof Fault) return withNext(named(error));
  }
  throw new Error('no fault');
}
