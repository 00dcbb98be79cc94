/** What an operator may get wrong about a cloud: a named fault with what to do, in the tree and on the node; others go on. */
import { expect, test } from 'vitest';
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import type { Provider } from '../../src/domain/pool-config.js';
import { cloudImage } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

const networks = [{ id: null, name: 'inner', portId: null, fixedIp: null, isPublic: true }];

interface Mistake {
  readonly provider?: Partial<Provider>;
  readonly before?: (pool: Pool) => unknown;
  /** What the tree says of the provider. */
  readonly tree: RegExp;
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a flavor that the cloud does not have': {
    provider: { cloudImages: [{ ...cloudImage, flavorName: 'm9.huge' }] },
    tree: /alpha has no flavor with 8192 MB or more named m9\.huge/,
  },
  'an image that the cloud does not have': {
    provider: { cloudImages: [{ ...cloudImage, imageName: 'gone' }] },
    tree: /alpha has no active image gone/,
  },
  'a network that the cloud does not have': {
    provider: { networks },
    tree: /alpha has no network inner; it has public, ext/,
  },
  'a zone that the cloud does not have': {
    provider: { availabilityZones: ['mars'] },
    tree: /no zone mars/,
  },
  'wrong credentials': {
    before: pool => pool.cloud('alpha').down('cloud.auth'),
    tree: /in trouble: the fake cloud is down/,
  },
  'an endpoint that cannot be reached': {
    before: pool => pool.cloud('alpha').down('cloud.unreachable'),
    tree: /in trouble: the fake cloud is down/,
  },
};

test.each(Object.entries(mistakes))(
  '%s is named in the tree, and the other provider has the nodes',
  async (_, mistake) => {
    const pool = await startPool({
      labels: [{ name: 'bare', minReady: 4 }],
      providers: [{ name: 'alpha', ...mistake.provider }, { name: 'beta' }],
      ...(mistake.before === undefined ? {} : { before: mistake.before }),
    });
    await pool.until(() => pool.in('ready').length === 4, 1_200_000);
    expect(pool.servers('alpha')).toEqual([]);
    expect(pool.servers('beta')).toHaveLength(4);
    const said = pool.actors().map(({ path, state }) => (path.startsWith('/providers/alpha') ? state : ''));
    expect(said.join('\n')).toMatch(mistake.tree);
    // None of it is worth asking the cloud all the time.
    expect(pool.cloud('alpha').callsOf('createServer').length).toBeLessThan(10);
  },
);

test.each(['ssh.key', 'ssh.key-exposed'] satisfies FaultKind[])(
  'a key file that is missing or world-readable (%s) is named on the node, with what to do, and the other provider has the nodes',
  async kind => {
    const pool = await startPool({
      labels: [{ name: 'bare', minReady: 4 }],
      providers: [{ name: 'alpha', cloudImages: [{ ...cloudImage, privateKeyFile: '/keys/lost' }] }, { name: 'beta' }],
    });
    pool.sshAnswer = ({ privateKeyFile }) => (privateKeyFile === '/keys/lost' ? kind : null);
    await pool.until(() => pool.in('delete').some(row => row.provider === 'alpha'));
    const { id } = pool.in('delete').find(row => row.provider === 'alpha') ?? { id: 0 };
    const nodes = await pool.answer(pool.api.nodes());
    expect(nodes.find(node => node.id === Number(id))?.reason).toContain(kind);
    await pool.until(() => pool.in('ready').length === 4, 1_200_000);
    expect(pool.servers('beta')).toHaveLength(4);
    expect(pool.state('/providers/alpha/cloud')).toContain(kind);
    const line = pool.log.find(({ fault }) => fault === kind);
    expect(line).toMatchObject({ provider: 'alpha', next: new Fault(kind, '').next });
  },
);

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
