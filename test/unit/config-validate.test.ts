import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runConfigValidate } from '../../src/cli/config-validate.js';

const directory = mkdtempSync(join(tmpdir(), 'nodepool-'));
afterAll(() => rmSync(directory, { recursive: true }));

function run(text: string, output: 'table' | 'json' = 'table') {
  const file = join(directory, 'nodepool.yaml');
  writeFileSync(file, text);
  const seen = { out: '', err: '' };
  const exit = runConfigValidate({
    file,
    secureFile: null,
    output,
    env: {},
    out: part => void (seen.out += part),
    err: part => void (seen.err += part),
  });
  return { exit, file, ...seen };
}
const valid = 'dburi: mysql://h/d\n';
const orphan = `${valid}labels:\n  - name: a\n    image: i\n    providers:\n      - name: nope\n`;

test('a valid file exits 0 in silence', () => {
  expect(run(valid)).toMatchObject({ exit: 0, out: '', err: '' });
});

test('a valid file is an empty list in JSON', () => {
  expect(run(valid, 'json')).toMatchObject({ exit: 0, out: '[]\n', err: '' });
});

test('an unknown key exits 6 and is told on stderr', () => {
  const { exit, file, out, err } = run(`${valid}gearman-server: []\n`);
  expect([exit, out, err]).toEqual([6, '', `${file}:2:1: unknown key gearman-server, did you mean gearman-servers?\n`]);
});

test('a bad cross reference exits 6 as well', () => {
  const { exit, file, err } = run(orphan);
  expect([exit, err]).toEqual([6, `${file}:6:15: label a: there is no provider nope\n`]);
});

test('a file that is not there has no place in it, and the user is told how to name another', () => {
  const file = join(directory, 'none.yaml');
  const told: string[] = [];
  const wish = {
    file,
    secureFile: null,
    env: {},
    out: (text: string) => told.push(text),
    err: (text: string) => told.push(text),
  };
  expect(runConfigValidate({ ...wish, output: 'table' })).toBe(6);
  expect(told.splice(0).join('')).toBe(
    `${file}: there is no such file\n` +
      'nodepool: name the file with -c FILE, the one of the secrets with -s FILE, and let this user read them\n',
  );
  expect(runConfigValidate({ ...wish, output: 'json' })).toBe(6);
  expect(JSON.parse(told.join(''))).toMatchObject([
    { file, line: null, column: null, message: 'there is no such file' },
  ]);
});

test('JSON has the promised fields, on stdout alone', () => {
  const { exit, file, out, err } = run(`${orphan}gearman-server: []\n`, 'json');
  expect([exit, err]).toEqual([6, '']);
  expect(JSON.parse(out)).toEqual([
    {
      file,
      line: 6,
      column: 15,
      path: 'labels[0].providers[0].name',
      message: 'label a: there is no provider nope',
      suggestion: null,
    },
    {
      file,
      line: 7,
      column: 1,
      path: 'gearman-server',
      message: 'unknown key gearman-server',
      suggestion: 'gearman-servers',
    },
  ]);
});

test('a warning is told and exits 0', () => {
  const { exit, file, err } = run(`${valid}targets:\n  - name: a.b\n`);
  expect([exit, err]).toEqual([0, `${file}:3:11: warning: the name "a.b" has "." in it, which breaks statsd keys\n`]);
});
