import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hostnameTemplate, nodeNameOf, renderTemplate, templateProblem } from '../../src/domain/template.js';
import { fieldsOfTemplates } from '../../src/config/keys.js';
import { loadConfig, readConfig } from '../../src/config/load.js';
import { decoded } from '../../src/config/text-file.js';
import { problemText } from '../../src/config/problem.js';
import { pageText, schemaText } from '../../src/config/reference-page.js';

const load = (file: string) => {
  const result = loadConfig({ file, secureFile: null, env: {}, needsDatabase: true });
  if (result.kind === 'refused') throw new Error(result.problems.map(problemText).join('\n'));
  return result;
};
/** Linux takes 64 characters, DNS 63. */
const longestHostname = 63;
const production = 'test/fixtures/openstack-2014-06.yaml';

describe("OpenStack's own file of June 2014", () => {
  const { config, problems } = load(production);

  test('has nothing wrong with it', () => {
    expect(problems).toEqual([]);
    expect(config.disabled).toEqual([]);
  });

  test('has 12 providers, 10 labels, 7 masters and 1138 servers', () => {
    const servers = config.providers.reduce((sum, provider) => sum + provider.maxServers, 0);
    expect([config.providers.length, config.labels.length, config.targets.length, servers]).toEqual([12, 10, 7, 1138]);
    expect([config.zmqPublishers.length, config.gearmanServers]).toEqual([
      7,
      [{ host: 'zuul.openstack.org', port: 4730 }],
    ]);
  });

  test('spares the clouds that it paces and no others', () => {
    const calls = config.providers.map(({ name, concurrency }) => [name, concurrency.calls]);
    expect(Object.fromEntries(calls)).toMatchObject({ 'rax-dfw': 8, 'hpcloud-b1': 1 });
  });

  test('names no node longer than a machine can be called, and cuts no name at a dot: lesson 149', () => {
    for (const label of config.labels) {
      for (const provider of config.providers.filter(({ name }) => label.providers.includes(name))) {
        for (const target of config.targets) {
          const scope = { label, provider, node_id: 9_999_999, subnode_id: 9_999_999, timestamp: '1400000000' };
          for (const of of ['hostname', 'subnodeHostname'] as const) {
            const name = renderTemplate(hostnameTemplate(of, { target, label }), scope);
            expect(name.length, name).toBeLessThanOrEqual(longestHostname);
            expect(nodeNameOf(name)).toBe(name);
          }
        }
      }
    }
  });

  test.each(Object.entries(fieldsOfTemplates))('every field of %s can be filled in', (key, fields) => {
    const [provider] = config.providers;
    const label = config.labels[0];
    const image = provider?.images[0];
    const scope =
      key === 'template-hostname'
        ? { provider, image, timestamp: '1400000000' }
        : { provider, label, node_id: 1, subnode_id: 2, timestamp: '1400000000' };
    expect(fields.map(field => templateProblem(`{${field}}`, scope)).filter(problem => problem !== null)).toEqual([]);
  });
});

/** At whatever depth. */
function keysIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (/^[a-z]\w*$/i.test(key) ? [key, ...keysIn(inner)] : []));
}

describe('every file that we give away is valid', () => {
  const files = readdirSync('config').filter(file => file.endsWith('.yaml'));

  test.each(files)('config/%s', file => {
    const { config, problems } = load(join('config', file));
    expect(problems.map(problemText)).toEqual([]);
    expect(config.labels.length).toBeGreaterThan(0);
  });

  test('the demo is small and quick', () => {
    const { config } = load('config/demo.yaml');
    expect(config.labels.map(label => label.minReady)).toEqual([3, 2]);
    expect(config.providers.map(provider => provider.rateMs)).toEqual([1, 1]);
    expect(config.timings).toMatchObject({ deleteDelay: 1000, pass: 1000, serverList: 500, poll: 200 });
    expect(config.dburi).toBe('embedded:');
  });
});

describe('generated files are up to date (npm run gen writes them), so that they say what the code does: lesson 150', () => {
  test('the page', () => expect(readFileSync('docs/configuration.md', 'utf8')).toBe(pageText()));
  test('the schema', () => expect(readFileSync('config/schema.json', 'utf8')).toBe(schemaText()));
  test('no key is without use, but for those that say so', () => {
    const used = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter(name => /\.tsx?$/.test(name) && !name.startsWith('config/') && name !== 'domain/pool-config.ts')
      .map(name => readFileSync(join('src', name), 'utf8'))
      .join('\n');
    const { config } = load('test/fixtures/config/here-everything.yaml');
    const keys = [...keysIn(config), ...keysIn(load(production).config)];
    const unused = [...new Set(keys)].filter(key => !new RegExp(`\\b${key}\\b`).test(used));
    expect(unused.sort()).toEqual(['assignViaGearman']);
  });
  test('no secret has a default, and every key a description', () => {
    expect(pageText()).not.toContain('undefined');
  });
});

describe('what cannot be read is a problem', () => {
  test('a file that is not there', () => {
    const result = loadConfig({ file: 'test/fixtures/none.yaml', secureFile: null, env: {}, needsDatabase: true });
    expect(result.problems.map(problemText)).toEqual(['test/fixtures/none.yaml: there is no such file']);
  });

  test('a directory', () => {
    const result = loadConfig({ file: 'test/fixtures', secureFile: null, env: {}, needsDatabase: true });
    expect(result.problems.map(problemText)).toEqual(['test/fixtures: this is a directory']);
  });

  test('a secure file that was asked for and is not there', () => {
    const result = loadConfig({
      file: production,
      secureFile: 'test/fixtures/none.conf',
      env: {},
      needsDatabase: true,
    });
    expect(result.problems.map(problemText)).toEqual(['test/fixtures/none.conf: there is no such file']);
  });

  test('a secure file that cannot be read', () => {
    const result = loadConfig({ file: production, secureFile: 'test/fixtures', env: {}, needsDatabase: true });
    expect(result).toMatchObject({ kind: 'refused' });
    expect(result.problems.map(problemText)).toEqual(['test/fixtures: this is a directory']);
  });

  test('bytes that are not UTF-8', () => {
    expect(decoded(Buffer.from('a: 1\nb: \xff\n', 'latin1'))).toEqual({
      trouble: 'not UTF-8 text',
      line: 2,
      column: 4,
    });
  });

  test('a byte order mark is no trouble', () => {
    const read = decoded(Buffer.from('\uFEFFdburi: mysql://h/d\n'));
    expect('text' in read && readConfig(read.text, { file: 'n', needsDatabase: true }).kind).toBe('usable');
  });
});

describe('the state directory', () => {
  const stateDir = (env: Record<string, string>) => {
    const result = loadConfig({ file: 'config/demo.yaml', secureFile: null, env, needsDatabase: false });
    return result.kind === 'usable' ? result.config.stateDir : null;
  };
  test("is systemd's, when it says so", () => {
    expect(stateDir({ STATE_DIRECTORY: '/var/lib/private/nodepool:/other' })).toBe('/var/lib/private/nodepool');
  });
  test('is what our own variable says before that', () => {
    expect(stateDir({ STATE_DIRECTORY: '/a', NODEPOOLD_STATE_DIR: '/b' })).toBe('/b');
  });
  test("is the service's usual place or the user's", () => {
    expect(['/var/lib/nodepool', '/home/x/.local/state/nodepool']).toContain(stateDir({ HOME: '/home/x' }));
  });
});
