/** What somebody gets wrong about a cloud is told by `explain` in one screen: what the cloud said, and what to do. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../../src/sim/world.js';
import { providerOf } from '../support/e2e-config.js';
import { E2ePool } from '../support/e2e-pool.js';
import { imageName } from '../support/e2e-world.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

interface Mistake {
  readonly cloud?: string;
  /** Keys of the provider, which is right otherwise. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** Keys of its image. */
  readonly image?: Readonly<Record<string, unknown>>;
  readonly says: RegExp;
  readonly advises: RegExp;
}

/** By the name of the label that nodes are wanted of. */
const mistakes: Readonly<Record<string, Mistake>> = {
  region: {
    provider: { 'region-name': 'nowhere' },
    says: /no endpoint of type compute, region nowhere; it has compute: nova in RegionOne/,
    advises: /check auth-url, and region-name, service-type and service-name against the catalogue/,
  },
  password: {
    provider: { password: 'wrong' },
    says: /cloud\.auth: POST \S+: 401 /,
    advises: /check username, password and project of the provider/,
  },
  address: {
    provider: { 'auth-url': 'http://127.0.0.1:1/v3' },
    says: /cloud\.unreachable: .*ECONNREFUSED 127\.0\.0\.1:1/,
    advises: /check auth-url, the network/,
  },
  flavor: {
    image: { 'name-filter': 'Nothing' },
    says: /no flavor with 2048 MB or more with “Nothing” in its name; it has .*m1\.small \(2048 MB\)/,
    advises: /check min-ram and name-filter of the image/,
  },
  image: {
    image: { 'image-name': 'no such image' },
    says: new RegExp(`no active image no such image; it has ${imageName}`),
    advises: /check the name of the image in the cloud/,
  },
  network: {
    provider: { networks: [{ name: 'none' }] },
    says: /no network none; it has public/,
    advises: /check networks of the provider/,
  },
  zone: {
    provider: { 'availability-zones': ['mars'] },
    says: /cloud\.no-zone: .*availability zone is not available/,
    advises: /check availability-zones of the provider/,
  },
  key: {
    image: { 'key-name': 'no-key' },
    says: /cloud\.refused: .*Invalid key_name provided/,
    advises: /the cloud refused the request; its message says why/,
  },
  group: {
    provider: { 'security-groups': ['no-group'] },
    says: /cloud\.refused: .*Unable to find security_group with name or id 'no-group'/,
    advises: /the cloud refused the request; its message says why/,
  },
  quota: {
    cloud: 'full',
    says: /quota/,
    advises: /ask the cloud for more quota, or delete what else uses it/,
  },
  user: {
    image: { username: 'nobody' },
    says: /failed: the last .*in user-cloud, node \d+ .*: ssh\.auth: nobody@\S+: it does not let this user in with this key/,
    advises: /check username and private-key of the image/,
  },
};

describe('a mistake in a provider', () => {
  let postgres: Postgres;
  let pool: E2ePool;

  beforeAll(async () => {
    postgres = await startPostgres();
    pool = await E2ePool.open({
      dburi: await postgres.createDatabase('mistakes'),
      clouds: { east: {}, full: { maxServers: 0 } },
      labels: {},
      providers: { east: { 'max-servers': 1 }, full: { 'max-servers': 0 } },
      elsewhere: world => Object.entries(mistakes).map(([name, mistake]) => mistaken(name, mistake, world)),
      more: () => ({
        labels: Object.keys(mistakes).map(name => ({
          name,
          image: imageName,
          'min-ready': 1,
          providers: [{ name: `${name}-cloud` }],
        })),
      }),
    });
    await pool.start();
  }, 120_000);

  afterAll(async () => {
    await pool.close();
    await postgres.stop();
  });

  it.each(Object.entries(mistakes))('is told, with what to do: %s', async (label, { says, advises }) => {
    let said = '';
    await pool.until(async () => {
      said = (await pool.cli('explain', 'label', label)).stdout;
      return says.test(said) && advises.test(said);
    });
    expect(said).toMatch(new RegExp(`${says.source}[^]*-> .*${advises.source}`));
  });
});

function mistaken(
  name: string,
  { cloud: of = 'east', provider, image }: Mistake,
  world: World,
): Readonly<Record<string, unknown>> {
  const cloud = world.clouds.get(of);
  if (!cloud) throw new Error('the world has no such cloud');
  const right = providerOf(cloud, world.ssh);
  const [rightImage] = right['cloud-images'] as readonly object[];
  const timeouts = { 'boot-timeout': 1, 'launch-timeout': 20 };
  return {
    ...right,
    name: `${name}-cloud`,
    'max-servers': 1,
    ...timeouts,
    ...provider,
    'cloud-images': [{ ...rightImage, ...image }],
  };
}
