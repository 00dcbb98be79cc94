import { describe, expect, test } from 'vitest';
import { accountOf } from '../../src/config/cloud-entry.js';
import { readCloudFiles, type CloudEntry, type CloudPlaces } from '../../src/config/cloud-files.js';
import { readConfig } from '../../src/config/load.js';
import { problemText } from '../../src/config/problem.js';

const where: CloudPlaces = { env: {}, home: '/home/u', currentDir: '/run/here' };
const find = (files: Readonly<Record<string, string>>, more: Partial<CloudPlaces> = {}) =>
  readCloudFiles({ ...where, ...more }, file => {
    const text = files[file];
    return text === undefined ? null : text === 'forbidden' ? { trouble: 'no permission to read this file' } : { text };
  }).clouds;
const namesOf = (found: ReturnType<typeof find>) =>
  found === null ? null : 'clouds' in found ? [...found.clouds.keys()] : found.trouble;

const cloudsOf = (name: string) => `clouds: {${name}: {auth: {auth_url: "https://k/"}}}\n`;

describe('clouds.yaml', () => {
  test.each([
    [['/run/here/clouds.yaml', '/home/u/.config/openstack/clouds.yaml', '/etc/openstack/clouds.yaml']],
    [['/home/u/.config/openstack/clouds.yaml', '/etc/openstack/clouds.yaml']],
    [['/etc/openstack/clouds.yaml']],
    [['/etc/openstack/clouds.yml', '/etc/openstack/clouds.json']],
  ])('is the first of %j', files => {
    const texts = Object.fromEntries(files.map((file, index) => [file, cloudsOf(`c${index}`)]));
    expect(namesOf(find(texts))).toEqual(['c0']);
  });

  test('that OS_CLIENT_CONFIG_FILE names goes before all, and is missed where it is not', () => {
    const texts = { '/etc/openstack/clouds.yaml': cloudsOf('usual'), '/my/clouds': cloudsOf('mine') };
    const named = (file: string) => namesOf(find(texts, { env: { OS_CLIENT_CONFIG_FILE: file } }));
    expect(named('/my/clouds')).toEqual(['mine']);
    expect(named('/gone')).toBe('there is no such file, but OS_CLIENT_CONFIG_FILE names it');
    expect(named('')).toEqual(['usual']);
  });

  test.each([
    ['clouds: [\n', /^\/etc\/openstack\/clouds\.yaml:1:10: not YAML/],
    ['cloud: {}\n', 'it has no map "clouds"'],
    ['', 'it has no map "clouds"'],
    ['clouds: [a]\n', 'it has no map "clouds"'],
    ['forbidden', 'no permission to read this file'],
  ])('of %j says what is wrong with it', (text, trouble) => {
    expect(namesOf(find({ '/etc/openstack/clouds.yaml': text }))).toMatch(trouble);
  });

  test('gets the secret part from secure.yaml, key by key', () => {
    const found = find({
      '/etc/openstack/clouds.yaml': 'clouds: {a: {auth: {username: u, password: open}, region_name: R}, b: {}}\n',
      '/run/here/secure.yaml': 'clouds: {a: {auth: {password: 0123}}}\n',
    });
    expect(found !== null && 'clouds' in found && found.clouds.get('a')).toEqual({
      auth: { username: 'u', password: '0123' },
      region_name: 'R',
    });
  });

  test('is not used without a secure.yaml that is there and cannot be read', () => {
    const texts = { '/etc/openstack/clouds.yaml': cloudsOf('a'), '/etc/openstack/secure.yaml': 'forbidden' };
    expect(namesOf(find(texts))).toBe('/etc/openstack/secure.yaml: no permission to read this file');
  });
});

const auth = { auth_url: 'https://k/', username: 'u', password: 'p', project_name: 't' };
const account = (entry: CloudEntry) => accountOf(entry, file => ({ trouble: `${file} is not here` }));

describe('a cloud in clouds.yaml', () => {
  test.each<[string, CloudEntry, string]>([
    ['nothing', {}, 'it has no auth_url'],
    ['a profile', { profile: 'rackspace' }, 'it has no auth_url; the profile rackspace is not known here'],
    ['no user', { auth: { auth_url: 'https://k/' } }, 'it has no username'],
    ['no password', { auth: { ...auth, password: '' } }, 'it has no password (it may be in secure.yaml)'],
    [
      'a token',
      { auth, auth_type: 'token' },
      'its auth_type token is not known here: password, v2password, v3password, v3applicationcredential',
    ],
    [
      'half of an application credential',
      { auth, auth_type: 'v3applicationcredential' },
      'it has no application_credential_secret (it may be in secure.yaml)',
    ],
    [
      'an application credential of nobody',
      { auth: { auth_url: 'https://k/', application_credential_name: 'n', application_credential_secret: 's' } },
      'an application credential by its name needs the username, or user_id, of its owner',
    ],
    ['another interface', { auth, interface: 'secret' }, 'its interface is none of public, internal and admin'],
    ['a lost authority', { auth, cacert: 'ca.pem' }, 'cacert: ca.pem cannot be used: ca.pem is not here'],
  ])('with %s says so', (_what, entry, trouble) => {
    expect(account(entry)).toEqual({ trouble });
  });

  test.each<[CloudEntry, object]>([
    [{ auth: { ...auth, user_domain_name: 'users' }, region_name: 'R' }, { userDomain: { name: 'users' } }],
    [{ auth: { ...auth, user_domain_id: 'd1' } }, { userDomain: { id: 'd1' }, projectDomain: { id: 'default' } }],
    [{ auth: { ...auth, domain_id: 'd1' } }, { userDomain: { id: 'd1' }, projectDomain: { id: 'd1' } }],
    [{ auth: { ...auth, default_domain: 'd' } }, { userDomain: { name: 'd' }, projectDomain: { name: 'd' } }],
    [{ auth, identity_api_version: '2.0' }, { identityVersion: 2 }],
    [{ auth, identity_api_version: '3' }, { identityVersion: 3 }],
    [{ auth, interface: 'internal' }, { endpoints: 'internal' }],
    [{ auth, endpoint_type: 'adminURL' }, { endpoints: 'admin' }],
    [{ auth, insecure: 'True' }, { isPeerVerified: false }],
    [
      { ...auth, 'tenant-name': 'x' },
      { projectName: 't', isPeerVerified: true },
    ],
  ])('%j means %j', (entry, credentials) => {
    expect(account(entry)).toMatchObject({ credentials });
  });

  test('has a region where it is the only one', () => {
    expect(account({ auth, regions: ['R1'] })).toMatchObject({ regionName: 'R1' });
    expect(account({ auth, regions: [{ name: 'R1', values: {} }] })).toMatchObject({ regionName: 'R1' });
    expect(account({ auth, regions: ['R1', 'R2'] })).toMatchObject({ regionName: null });
  });
});

const file = (cloud: string, more = ''): string => `labels: []
targets: []
providers:
  - name: east
    cloud: ${cloud}
    max-servers: 1
    images: []
${more}  - name: west
    username: u
    password: p
    auth-url: https://keystone/
    project-name: t
    max-servers: 1
    images: []
`;
const read = (text: string, clouds: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) => {
  const result = readConfig(text, {
    file: 'n.yaml',
    env,
    cloudFiles: () => readCloudFiles(where, name => (clouds[name] === undefined ? null : { text: clouds[name] })),
    readSecretFile: () => ({ trouble: 'there is no such file' }),
  });
  const providers = result.kind === 'usable' ? result.config.providers : [];
  return { said: result.problems.map(problemText), providers };
};

describe('a provider of a cloud', () => {
  const clouds = { '/etc/openstack/clouds.yaml': 'clouds: {vexxhost: {auth: {auth_url: "https://k/"}}}\n' };

  test('that clouds.yaml does not have is disabled alone, and told at its line', () => {
    const { said, providers } = read(file('vexhost'), clouds);
    expect(said).toEqual([
      'n.yaml:5:12: cloud vexhost: /etc/openstack/clouds.yaml has no such cloud, did you mean vexxhost?',
    ]);
    expect(providers.map(({ name }) => name)).toEqual(['west']);
  });

  test('that lacks something is told with what it lacks', () => {
    expect(read(file('vexxhost'), clouds).said).toEqual([
      'n.yaml:5:12: cloud vexxhost: /etc/openstack/clouds.yaml: it has no username',
    ]);
  });

  test('without any clouds.yaml is kept, and warned of: the file may be that of another machine', () => {
    const { said, providers } = read(file('vexxhost'), {});
    expect(said).toEqual([
      'n.yaml:5:12: warning: cloud vexxhost: there is no clouds.yaml (looked for: /run/here/clouds.yaml, ' +
        '/home/u/.config/openstack/clouds.yaml, /etc/openstack/clouds.yaml)',
    ]);
    expect(providers[0]?.credentials).toMatchObject({
      cloud: 'vexxhost',
      trouble: expect.stringContaining('there is no clouds.yaml') as string,
    });
  });

  test('of the environment misses what is not there', () => {
    expect(read(file('envvars'), {}, { OS_AUTH_URL: 'https://k/' }).said).toEqual([
      'n.yaml:5:12: cloud envvars: it has no username, in the variables OS_… of the environment',
    ]);
  });

  test('is not made of the environment where one key of the five is given', () => {
    const env = { OS_AUTH_URL: 'https://k/', OS_USERNAME: 'e', OS_PASSWORD: 'e' };
    const text = file('vexxhost').replace('    cloud: vexxhost\n', '    username: u\n');
    expect(read(text, clouds, env).said).toEqual([
      'n.yaml:4:5: missing key password (or password-file, NODEPOOLD_PROVIDER_EAST_PASSWORD, or cloud)',
      'n.yaml:4:5: missing key auth-url (or cloud)',
      'n.yaml:4:5: missing key project-id (or project-name, or cloud)',
    ]);
  });

  test('with an unreadable cacert is disabled alone', () => {
    const text = file('vexxhost')
      .replace('    cloud: vexxhost\n', '')
      .replace('name: west\n', 'name: west\n    cacert: gone.pem\n');
    const env = { OS_AUTH_URL: 'https://k/', OS_USERNAME: 'e', OS_PASSWORD: 'e' };
    const { said, providers } = read(text, clouds, env);
    expect(said).toEqual(['n.yaml:8:13: cacert: gone.pem cannot be used: there is no such file']);
    expect(providers).toMatchObject([{ name: 'east', credentials: { username: 'e', cloud: 'envvars' } }]);
  });
});
