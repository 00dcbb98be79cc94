/** What an operator may get wrong about a cloud: a named fault with what to do, in the tree and on the node; others go on. */
import { expect, test } from 'vitest';
import { checksOf } from '../../src/cli/doctor/daemon.js';
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import type { Provider } from '../../src/domain/pool-config.js';
import { cloudImage } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

const networks = [{ id: null, name: 'inner', portId: null, fixedIp: null, isPublic: true }];

interface Mistake {
  readonly provider?: Partial<Provider>;
  readonly before?: (pool: Pool) => unknown;
  readonly kind: FaultKind;
  /** What is said of it. */
  readonly words: RegExp;
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a flavor that the cloud does not have': {
    provider: { cloudImages: [{ ...cloudImage, flavorName: 'm9.huge' }] },
    kind: 'cloud.no-flavor',
    words: /alpha has no flavor with 8192 MB or more named m9\.huge/,
  },
  'an image that the cloud does not have': {
    provider: { cloudImages: [{ ...cloudImage, imageName: 'gone' }] },
    kind: 'cloud.no-image',
    words: /alpha has no active image gone/,
  },
  'a network that the cloud does not have': {
    provider: { networks },
    kind: 'cloud.no-network',
    words: /alpha has no network inner; it has public, ext/,
  },
  'a zone that the cloud does not have': {
    provider: { availabilityZones: ['mars'] },
    kind: 'cloud.no-zone',
    words: /no zone mars/,
  },
  'wrong credentials': {
    before: pool => pool.cloud('alpha').down('cloud.auth'),
    kind: 'cloud.auth',
    words: /the fake cloud is down/,
  },
  'an endpoint that cannot be reached': {
    before: pool => pool.cloud('alpha').down('cloud.unreachable'),
    kind: 'cloud.unreachable',
    words: /the fake cloud is down/,
  },
  'a key file that is missing': { ...withKey('ssh.key'), words: /ssh\.key/ },
  'a key file that everybody can read': { ...withKey('ssh.key-exposed'), words: /ssh\.key-exposed/ },
};

function withKey(kind: FaultKind): Omit<Mistake, 'words'> {
  return {
    provider: { cloudImages: [{ ...cloudImage, privateKeyFile: '/keys/lost' }] },
    before: pool => (pool.sshAnswer = ({ privateKeyFile }) => (privateKeyFile === '/keys/lost' ? kind : null)),
    kind,
  };
}

test.each(Object.entries(mistakes))(
  '%s is named in the tree and by doctor, with what to do, and the other provider has the nodes',
  async (_, { provider, before, kind, words }) => {
    const pool = await startPool({
      labels: [{ name: 'bare', minReady: 4 }],
      providers: [{ name: 'alpha', ...provider }, { name: 'beta' }],
      ...(before === undefined ? {} : { before }),
    });
    await pool.until(() => pool.in('ready').length === 4, 1_200_000);
    expect(pool.servers('beta')).toHaveLength(4);
    const { next } = new Fault(kind, '');
    const said = pool.actors().map(({ path, state }) => (path.startsWith('/providers/alpha') ? state : ''));
    const line = said.find(state => state?.includes(`${kind}: `)) ?? '';
    expect(line).toMatch(words);
    expect(line).toContain(`-> ${next}`);
    const findings = checksOf(await pool.answer(pool.api.readiness())).filter(({ ok }) => !ok);
    const finding = findings.find(({ message }) => message.includes(`${kind}: `));
    expect(finding?.subject).toMatch(/^providers\/alpha/);
    expect(finding?.message).toMatch(words);
    expect(finding?.next).toBe(next);
    expect(findings.filter(({ subject }) => subject.startsWith('providers/beta'))).toEqual([]);
    // None of it is worth asking the cloud all the time.
    expect(pool.cloud('alpha').callsOf('createServer').length).toBeLessThan(10);
  },
);

/** Those that only a launch finds out. */
const launched = [
  'a zone that the cloud does not have',
  'a key file that is missing',
  'a key file that everybody can read',
];

test.each(launched)('%s is named on the node that met it, in the list and in the log, with what to do', async what => {
  const { provider, before, kind, words } = mistakes[what] ?? { kind: 'store.away', words: /never/ };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 4 }],
    providers: [{ name: 'alpha', ...provider }, { name: 'beta' }],
    ...(before === undefined ? {} : { before }),
  });
  await pool.until(() => pool.in('delete').some(row => row.provider === 'alpha'));
  const { id } = pool.in('delete').find(row => row.provider === 'alpha') ?? { id: 0 };
  const { next } = new Fault(kind, '');
  const node = (await pool.answer(pool.api.nodes())).find(each => each.id === Number(id));
  expect(node?.reason).toMatch(words);
  expect(node?.reason).toContain(`${kind}: `);
  expect(node?.reason).toContain(`-> ${next}`);
  expect(pool.log.find(({ fault, level }) => fault === kind && level === 'warn')).toMatchObject({
    provider: 'alpha',
    next,
  });
});

test('a mistake that is mended is forgotten: the provider is used again without a restart', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2 }],
    providers: [{ name: 'alpha', networks }],
  });
  await pool.advance(120_000);
  expect(pool.rows()).toEqual([]);
  const [alpha] = pool.config.providers;
  if (alpha) await pool.reload({ ...pool.config, providers: [{ ...alpha, networks: [] }] });
  await pool.rest(1_200_000);
  expect(pool.servers('alpha')).toHaveLength(2);
  pool.checkAtRest();
});
