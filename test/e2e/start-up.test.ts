/** A start that fails says what failed, where, and what to do, and is never a bug of ours. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodepoold } from '../support/daemon.js';

interface Wrong {
  readonly name: string;
  /** Keys of the file, as they are there. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly args?: (dir: string) => readonly string[];
  readonly code: number;
  /** The last line says so, with this to do. */
  readonly says: RegExp;
}

const wrongStarts: readonly Wrong[] = [
  {
    name: 'no such file',
    args: dir => ['-c', join(dir, 'none.yaml')],
    code: 6,
    says: /name another one with -c FILE$/,
  },
  { name: 'no such secrets', args: dir => ['-s', join(dir, 'none')], code: 6, says: /name another one with -c FILE$/ },
  { name: 'an unknown database', keys: { dburi: "'oracle://u:pw@h/d'" }, code: 6, says: /with -c FILE$/ },
  { name: 'no such logging file', args: dir => ['-l', join(dir, 'none')], code: 6, says: /none.*ENOENT.*; .*-l FILE$/ },
  { name: 'no logging file', args: dir => ['-l', join(dir, 'taken')], code: 6, says: /taken:1: .*; .*-l FILE$/ },
  {
    name: 'a file where state is to be',
    keys: { 'state-dir': 'taken' },
    code: 1,
    says: /EEXIST.*taken.*; make room for it/,
  },
  {
    name: 'a file in the embedded database',
    keys: { dburi: "'embedded:'" },
    code: 1,
    says: /postgres.*; see server\.log/,
  },
  { name: 'no token', keys: { control: '{write-token-file: none}' }, code: 1, says: /ENOENT.*none.*; make it/ },
  { name: 'an address in use', keys: { control: "{http: '127.0.0.1:PORT'}" }, code: 1, says: /PORT; stop the program/ },
  {
    name: 'an address of others',
    keys: { control: "{http: '192.0.2.1:80'}" },
    code: 6,
    says: /with -c FILE$/,
  },
];

describe('a start that fails', () => {
  const taken = createServer();
  let dir: string;
  let port: string;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'np-start-'));
    writeFileSync(join(dir, 'taken'), 'neither a folder nor settings\n');
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    port = String(address.port);
  });
  afterEach(async () => {
    taken.close();
    await once(taken, 'close');
    rmSync(dir, { recursive: true });
  });

  it.each(wrongStarts)('says what to do: $name', async ({ name, keys = {}, args = () => [], code, says }) => {
    const state = join(dir, 'state');
    const all = { dburi: "'mysql://u:pw@127.0.0.1:9/none'", 'state-dir': state, ...empty, ...keys };
    const lines = Object.entries(all).map(([key, value]) => `${key}: ${value.replace('taken', join(dir, 'taken'))}`);
    const config = join(dir, 'nodepool.yaml');
    writeFileSync(
      config,
      lines
        .join('\n')
        .replace('none}', `${join(dir, 'none')}}`)
        .replaceAll('PORT', port),
    );
    if (name.includes('embedded')) writeFileSync(join(dir, 'state'), 'in the way');
    const run = await nodepoold(['-d', '-c', config, ...args(dir)]);
    expect(run.code).toBe(code);
    const last = run.stderr.trimEnd().split('\n').at(-1) ?? '';
    expect(last.replaceAll(port, 'PORT')).toMatch(says);
    expect(run.stderr).not.toMatch(/this is a bug|^ {4}at /m);
  });
});

const empty = {
  'script-dir': '.',
  'elements-dir': '.',
  'images-dir': '.',
  cron: '{}',
  'gearman-servers': '[]',
  'zmq-publishers': '[]',
  labels: '[]',
  providers: '[]',
  targets: '[]',
};
