import { describe, expect, test } from 'vitest';
import { nodeFiles, type Member, type Place } from '../../src/domain/node-files.js';

const primary: Member = { role: 'primary', ip: '203.0.113.1', ipPrivate: '10.0.0.1', serverId: 'server-1' };
const sub: Member = { role: 'sub', ip: '203.0.113.2', ipPrivate: null, serverId: null };
const place: Place = { provider: 'rax-dfw', cloud: null, region: 'DFW', az: 'nova' };
const key = { privateKey: 'PRIVATE\n', publicKey: 'ssh-ed25519 AAAA' };

function texts(member: Member, group: readonly Member[], at = place) {
  return Object.fromEntries(
    nodeFiles(member, group, at, group.length === 1 ? null : key).map(({ path, content }) => [
      path.replace('/etc/nodepool/', ''),
      content,
    ]),
  );
}

describe('the files of a machine', () => {
  test('of a single node say that it is alone, and hold no key', () => {
    expect(texts(primary, [primary])).toEqual({
      role: 'primary\n',
      node: '203.0.113.1\n',
      node_private: '10.0.0.1\n',
      primary_node: '203.0.113.1\n',
      primary_node_private: '10.0.0.1\n',
      sub_nodes: '',
      sub_nodes_private: '',
      provider: 'NODEPOOL_PROVIDER=rax-dfw\nNODEPOOL_CLOUD=\nNODEPOOL_REGION=DFW\nNODEPOOL_AZ=nova\n',
      uuid: 'server-1\n',
    });
  });

  test('of a group name its members and hold its key; who has no private address is reached by the other one', () => {
    expect(texts(sub, [sub, { ...sub, ip: '203.0.113.3', ipPrivate: '10.0.0.3' }, primary])).toMatchObject({
      role: 'sub\n',
      node: '203.0.113.2\n',
      node_private: '203.0.113.2\n',
      sub_nodes: '203.0.113.2\n203.0.113.3\n',
      sub_nodes_private: '203.0.113.2\n10.0.0.3\n',
      uuid: '\n',
      id_rsa: 'PRIVATE\n',
      'id_rsa.pub': 'ssh-ed25519 AAAA\n',
    });
  });

  test('end with a line feed, and only one, where they are not empty: they are strung together, lesson 133', () => {
    const all = nodeFiles(primary, [sub, primary], place, { ...key, publicKey: `${key.publicKey}\n` });
    for (const { path, content } of all) expect(content, path).toMatch(/^$|[^\n]\n$/);
  });

  test('keep the private key from others', () => {
    const modes = nodeFiles(primary, [sub, primary], place, key).map(({ path, mode }) => [path, mode]);
    expect(modes.filter(([, mode]) => mode !== 0o644)).toEqual([['/etc/nodepool/id_rsa', 0o600]]);
  });

  test('can be read by a shell, whatever the names are', () => {
    const { provider } = texts(primary, [primary], { ...place, cloud: `it's $(odd)`, region: 'a b' });
    expect(provider).toContain(`NODEPOOL_CLOUD='it'\\''s $(odd)'\nNODEPOOL_REGION='a b'\n`);
  });
});
