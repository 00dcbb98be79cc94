/**
 * Files of each generation and with each kind of mistake, and what is made of them: `NAME.expected.json` beside each has
 * its normal form, or its problems with their lines. `npx vitest run config-golden -u` writes them anew.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/load.js';
import { problemText } from '../../src/config/problem.js';

const folder = 'test/fixtures/config';
const names = readdirSync(folder)
  .filter(name => name.endsWith('.yaml'))
  .map(name => basename(name, '.yaml'));

function read(path: string) {
  const secure = path.replace(/\.yaml$/, '.conf');
  return readConfig(readFileSync(path, 'utf8'), {
    file: basename(path),
    secure: existsSync(secure) ? { file: basename(secure), text: readFileSync(secure, 'utf8') } : null,
    needsDatabase: true,
    stateDir: '/var/lib/nodepool',
    readSecretFile: file => ({ trouble: `there is no such file as ${file}` }),
  });
}

function told(path: string): string {
  const result = read(path);
  const problems = result.problems.map(problemText);
  const config = result.kind === 'usable' ? { config: result.config } : {};
  return `${JSON.stringify({ kind: result.kind, problems, ...config }, null, 2)}\n`;
}

describe('a file means what it meant', () => {
  test.each(names)('%s', async name => {
    await expect(told(join(folder, `${name}.yaml`))).toMatchFileSnapshot(`../fixtures/config/${name}.expected.json`);
  });

  test('and so does that of OpenStack in June 2014', async () => {
    const expected = '../fixtures/config/openstack-2014-06.expected.json';
    await expect(told('test/fixtures/openstack-2014-06.yaml')).toMatchFileSnapshot(expected);
  });

  test('every file has its expectation, and every expectation its file', () => {
    const expected = readdirSync(folder).flatMap(name => /^(.*)\.expected\.json$/.exec(name)?.[1] ?? []);
    expect(expected.sort()).toEqual([...names, 'openstack-2014-06'].sort());
  });
});

describe('of those that are refused', () => {
  test.each(names.filter(name => name.startsWith('refused')))('%s tells no secret', name => {
    expect(told(join(folder, `${name}.yaml`))).not.toMatch(/secret\b/);
  });

  test.each(names.filter(name => !name.startsWith('refused')))('%s is none', name => {
    expect(read(join(folder, `${name}.yaml`)).kind).toBe('usable');
  });
});
