/** Every form in which operators write credentials, from the configuration file to the cloud. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openCloud } from '../../src/adapters/openstack/cloud.js';
import { loadConfig } from '../../src/config/load.js';
import { Fault } from '../../src/domain/fault.js';
import type { SimCloud } from '../../src/sim/openstack/cloud.js';
import { startWorld, type World } from '../../src/sim/world.js';
import { makeCertificates, type Certificates } from '../support/certificates.js';

const call = { deadlineMs: 10_000 };
let world: World;
let cloud: SimCloud;
let dir: string;

beforeAll(async () => {
  world = await startWorld({ clouds: [{ name: 'c1', images: ['img'], region: 'R7' }], masters: [] });
  cloud = world.clouds.get('c1') as SimCloud;
  dir = mkdtempSync(join(tmpdir(), 'nodepool-credentials-'));
});

afterAll(async () => {
  await world.close();
  rmSync(dir, { recursive: true });
});

interface Written {
  /** Keys of the provider. */
  readonly provider: Readonly<Record<string, unknown>>;
  /** The entry `mine` of clouds.yaml and of secure.yaml. */
  readonly clouds?: object;
  readonly secure?: object;
  readonly env?: Readonly<Record<string, string>>;
}

/** The configuration of these keys, as the daemon reads it. */
function load({ provider, clouds, secure, env = {} }: Written) {
  const file = join(dir, 'nodepool.yaml');
  const cloudsFile = join(dir, 'clouds.yaml');
  const secureFile = join(dir, 'secure.yaml');
  const given = { name: 'p', 'max-servers': 1, images: [], ...provider };
  writeFileSync(file, JSON.stringify({ providers: [given], labels: [], targets: [] }));
  writeFileSync(cloudsFile, JSON.stringify({ clouds: { mine: clouds ?? {} } }));
  writeFileSync(secureFile, JSON.stringify({ clouds: { mine: secure ?? {} } }));
  const files = { OS_CLIENT_CONFIG_FILE: cloudsFile, OS_CLIENT_SECURE_FILE: secureFile };
  return loadConfig({ file, secureFile: null, needsDatabase: false, env: { HOME: dir, ...files, ...env } });
}

/** What the cloud says to whoever this configuration makes of the provider. */
async function flavorsWith(written: Written): Promise<string[]> {
  const loaded = load(written);
  const [provider] = loaded.kind === 'usable' ? loaded.config.providers : [];
  if (provider === undefined) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  const port = openCloud(provider);
  try {
    return (await port.listFlavors(call)).map(({ name }) => name);
  } finally {
    await port.close();
  }
}

const faultWith = async (written: Written): Promise<Fault> => {
  const outcome = await flavorsWith(written).catch((error: unknown) => error);
  if (outcome instanceof Fault) return outcome;
  throw new Error(`no fault: ${String(outcome)}`);
};

/** By the name of each: what the provider, the two files and the environment say. */
const forms: readonly [string, () => Written][] = [
  ['the keys of 2014', () => ({ provider: keysOf2014() })],
  ['the keys of 2014 with Keystone v2.0', () => ({ provider: { ...keysOf2014(), 'auth-url': cloud.authUrlV2 } })],
  ['the project by its id', () => ({ provider: { ...keysOf2014(), 'project-id': cloud.account.projectId } })],
  [
    'the project by its id with Keystone v2.0',
    () => ({
      provider: { ...keysOf2014(), 'auth-url': cloud.authUrlV2, 'project-id': cloud.account.projectId },
    }),
  ],
  ['domains by name', () => ({ provider: { ...keysOf2014(), 'user-domain': 'Default', 'project-domain': 'Default' } })],
  ['domains by id', () => ({ provider: { ...keysOf2014(), 'user-domain': 'default', 'project-domain': 'default' } })],
  ['clouds.yaml', () => ({ provider: { cloud: 'mine' }, clouds: { auth: login() } })],
  [
    'clouds.yaml, the password in secure.yaml',
    () => {
      const { password, ...auth } = login();
      return { provider: { cloud: 'mine' }, clouds: { auth }, secure: { auth: { password } } };
    },
  ],
  [
    'clouds.yaml, user and project by their ids',
    () => {
      const { auth_url, password } = login();
      const { userId: user_id, projectId: project_id } = cloud.account;
      return { provider: { cloud: 'mine' }, clouds: { auth: { auth_url, password, user_id, project_id } } };
    },
  ],
  [
    'clouds.yaml in the words of earlier years',
    () => {
      const { project_name: tenant_name, ...auth } = { ...login(), auth_url: cloud.authUrlV2 };
      return {
        provider: { cloud: 'mine' },
        clouds: { ...auth, tenant_name, auth_plugin: 'password', endpoint_type: 'internalURL' },
      };
    },
  ],
  [
    'one domain for both',
    () => ({ provider: { cloud: 'mine' }, clouds: { auth: { ...login(), domain_name: 'Default' } } }),
  ],
  [
    'an application credential',
    () => {
      const { id, secret } = cloud.account.applicationCredential;
      const auth = { auth_url: cloud.authUrl, application_credential_id: id, application_credential_secret: secret };
      return { provider: { cloud: 'mine' }, clouds: { auth_type: 'v3applicationcredential', auth } };
    },
  ],
  [
    'an application credential by its name',
    () => {
      const { name, secret } = cloud.account.applicationCredential;
      const owner = { username: cloud.username, user_domain_id: 'default' };
      const auth = { auth_url: cloud.authUrl, ...owner, application_credential_name: name };
      return {
        provider: { cloud: 'mine' },
        clouds: { auth_type: 'v3applicationcredential', auth },
        secure: { auth: { application_credential_secret: secret } },
      };
    },
  ],
  ['the environment', () => ({ provider: {}, env: environment() })],
  ['the environment by its name', () => ({ provider: { cloud: 'envvars' }, env: environment() })],
  ['OS_CLOUD', () => ({ provider: {}, clouds: { auth: login() }, env: { OS_CLOUD: 'mine' } })],
  [
    'keys that go before those of clouds.yaml',
    () => ({
      provider: { cloud: 'mine', password: cloud.password, 'project-name': cloud.projectName },
      clouds: { auth: { ...login(), password: 'old', project_id: 'old', project_name: null } },
    }),
  ],
];

const keysOf2014 = () => ({
  username: cloud.username,
  password: cloud.password,
  'auth-url': cloud.authUrl,
  'project-id': cloud.projectName,
});
const login = () => ({
  auth_url: cloud.authUrl,
  username: cloud.username,
  password: cloud.password,
  project_name: cloud.projectName,
});
const environment = () => ({
  OS_AUTH_URL: cloud.authUrl,
  OS_USERNAME: cloud.username,
  OS_PASSWORD: cloud.password,
  OS_PROJECT_NAME: cloud.projectName,
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_ID: 'default',
  OS_REGION_NAME: 'R7',
  OS_IDENTITY_API_VERSION: '3',
});

describe('a provider is let in with', () => {
  it.each(forms)('%s', async (_form, written) => {
    expect(await flavorsWith(written())).not.toEqual([]);
  });
});

describe('a cloud of clouds.yaml', () => {
  it('has the region that its file says, unless the provider says another', async () => {
    const clouds = { auth: login(), region_name: 'Atlantis' };
    const fault = await faultWith({ provider: { cloud: 'mine' }, clouds });
    expect(fault).toMatchObject({ kind: 'cloud.no-endpoint', message: expect.stringContaining('Atlantis') as string });
    expect(await flavorsWith({ provider: { cloud: 'mine', 'region-name': 'R7' }, clouds })).not.toEqual([]);
  });

  it('with another secret is refused', async () => {
    const { id } = cloud.account.applicationCredential;
    const auth = { auth_url: cloud.authUrl, application_credential_id: id, application_credential_secret: 'wrong' };
    expect((await faultWith({ provider: { cloud: 'mine' }, clouds: { auth } })).kind).toBe('cloud.auth');
  });

  it('with an application credential for Keystone v2.0 says that there are none', async () => {
    const auth = {
      auth_url: cloud.authUrlV2,
      application_credential_id: 'x',
      application_credential_secret: 'y',
    };
    const fault = await faultWith({ provider: { cloud: 'mine' }, clouds: { auth } });
    expect(fault).toMatchObject({ kind: 'cloud.no-credentials', message: expect.stringContaining('v3') as string });
  });

  it('that is in no file is a fault at each call, which says where it was looked for', async () => {
    const env = { OS_CLIENT_CONFIG_FILE: '', HOME: dir };
    const fault = await faultWith({ provider: { cloud: 'mine' }, env });
    expect(fault.kind).toBe('cloud.no-credentials');
    expect(fault.message).toContain(join(dir, '.config', 'openstack', 'clouds.yaml'));
  });
});

describe('a cloud over TLS', () => {
  let certificates: Certificates;
  let proxy: Server;
  let authUrl: string;

  beforeAll(async () => {
    certificates = await makeCertificates(dir);
    const { cert, key } = certificates;
    const inner = new URL(cloud.authUrl);
    proxy = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (incoming, response) => {
      const { method = 'GET', url, headers } = incoming;
      const sent = forward({ host: inner.hostname, port: inner.port, path: url, method, headers }, answer => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      incoming.pipe(sent);
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    authUrl = `https://localhost:${(proxy.address() as AddressInfo).port}/v3`;
  });

  afterAll(async () => {
    proxy.closeAllConnections();
    await new Promise(resolve => proxy.close(resolve));
  });

  it('is trusted with the certificate of its authority in the provider', async () => {
    const provider = { ...keysOf2014(), 'auth-url': authUrl, cacert: certificates.ca };
    expect(await flavorsWith({ provider })).not.toEqual([]);
  });

  it('is trusted with the certificate of its authority in clouds.yaml, relative to that file', async () => {
    const clouds = { auth: { ...login(), auth_url: authUrl }, cacert: '~/ca.pem' };
    expect(await flavorsWith({ provider: { cloud: 'mine' }, clouds })).not.toEqual([]);
    expect(await flavorsWith({ provider: { cloud: 'mine' }, clouds: { ...clouds, cacert: 'ca.pem' } })).not.toEqual([]);
  });

  it('is trusted blindly where clouds.yaml says so', async () => {
    const clouds = { auth: { ...login(), auth_url: authUrl }, verify: false };
    expect(await flavorsWith({ provider: { cloud: 'mine' }, clouds })).not.toEqual([]);
  });

  it('of an unknown authority is a fault of its own', async () => {
    const fault = await faultWith({ provider: { ...keysOf2014(), 'auth-url': authUrl } });
    expect(fault).toMatchObject({ kind: 'cloud.tls', next: expect.stringContaining('cacert') as string });
  });

  it('by another name than its certificate has is a fault too', async () => {
    const provider = {
      ...keysOf2014(),
      'auth-url': authUrl.replace('localhost', '127.0.0.1'),
      cacert: certificates.ca,
    };
    expect((await faultWith({ provider })).kind).toBe('cloud.tls');
  });

  it('that speaks none is a fault too', async () => {
    const provider = { ...keysOf2014(), 'auth-url': cloud.authUrl.replace('http:', 'https:') };
    expect((await faultWith({ provider })).kind).toBe('cloud.tls');
  });
});
