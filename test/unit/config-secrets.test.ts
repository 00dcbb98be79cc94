import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/load.js';
import type { ReadOptions } from '../../src/config/load.js';
import { problemText } from '../../src/config/problem.js';

const file = (options: { password?: string; jenkins?: string; dburi?: string } = {}): string => `${options.dburi ?? ''}
providers:
  - name: rax-dfw
    username: u
    ${options.password ?? 'password: plain'}
    auth-url: https://keystone/
    project-name: t
    max-servers: 1
    images: []
targets:
  - name: jenkins01
    jenkins: ${options.jenkins ?? '{url: "https://j/", user: u, apikey: plain}'}
`;
const secureText = `# secrets
[database]
dburi = mysql://secure@h/d

[jenkins "jenkins01"]
url: https://secure/
user=s
apikey = secure
credentials = c
`;
const read = (text: string, options: Partial<ReadOptions> = {}) => {
  const result = readConfig(text, { file: 'n.yaml', needsDatabase: false, ...options });
  const config = result.kind === 'usable' ? result.config : null;
  return {
    said: result.problems.map(problemText),
    dburi: config?.dburi,
    password: config?.providers[0]?.credentials.password,
    jenkins: config?.targets[0]?.jenkins,
  };
};
const secure = (text: string) => ({ secure: { file: 's.conf', text } });
const files = {
  readSecretFile: (name: string) => (name === 'here' ? { text: 'from file\n' } : { trouble: 'there is no such file' }),
};

describe('a secret', () => {
  test('may be in the file itself', () => {
    expect(read(file())).toMatchObject({ password: 'plain', jenkins: { apikey: 'plain' }, dburi: null });
  });

  test('lesson 146: may be in secure.conf, which goes before the file', () => {
    expect(read(file({ dburi: 'dburi: mysql://h/plain' }), secure(secureText))).toMatchObject({
      dburi: 'mysql://secure@h/d',
      jenkins: { url: 'https://secure/', user: 's', apikey: 'secure', credentialsId: 'c' },
    });
  });

  test('may be in secure.conf while the file has only the test job, as in 0.3', () => {
    expect(read(file({ jenkins: '{test-job: accept}' }), secure(secureText)).jenkins).toEqual({
      url: 'https://secure/',
      user: 's',
      apikey: 'secure',
      credentialsId: 'c',
      testJob: 'accept',
    });
  });

  test.each(['password-file', 'password_file'])('may be in a file named by %s', key => {
    expect(read(file({ password: `${key}: here` }), files).password).toBe('from file');
  });

  test('may be in the environment, which goes before all', () => {
    const env = {
      NODEPOOLD_DBURI: 'mysql://env@h/d',
      NODEPOOLD_PROVIDER_RAX_DFW_PASSWORD: 'env',
      NODEPOOLD_TARGET_JENKINS01_APIKEY: 'env',
    };
    const text = file({ password: 'password-file: here', jenkins: '{url: "https://j/", user: u}' });
    expect(read(text, { ...files, ...secure(secureText), env })).toMatchObject({
      dburi: 'mysql://env@h/d',
      password: 'env',
      jenkins: { apikey: 'env' },
    });
  });

  test('in a file that is not there is an error at its name', () => {
    expect(read(file({ password: 'password-file: gone' }), files).said).toEqual([
      'n.yaml:5:20: password-file: gone cannot be used: there is no such file',
    ]);
  });

  test('in two places of one file is an error', () => {
    expect(read(file({ password: 'password: a\n    password_file: here' }), files).said).toEqual([
      'n.yaml:6:5: password and password-file are both given; one of them is to go',
    ]);
  });

  test('in the environment is checked too, and not repeated', () => {
    const said = read(file(), {
      env: { NODEPOOLD_DBURI: 'redis://hunter2', STATSD_PORT: 'x' },
      needsDatabase: true,
    }).said;
    expect(said).toHaveLength(2);
    expect(said.join()).toContain('STATSD_PORT in the environment must be a number');
    expect(said.join()).not.toContain('hunter2');
  });
});

describe('statsd is named by the environment', () => {
  test.each([
    [{}, null, 8125],
    [{ STATSD_HOST: 'h' }, 'h', 8125],
    [{ STATSD_PORT: '9125' }, 'localhost', 9125],
    [{ STATSD_HOST: 'h', STATSD_PORT: '9125', STATSD_PREFIX: 'ci' }, 'h', 9125],
    [{ STATSD_HOST: '', STATSD_PORT: '' }, null, 8125],
  ])('%j', (env, host, port) => {
    const result = readConfig(file(), { file: 'n', env });
    const prefix = 'STATSD_PREFIX' in env ? env.STATSD_PREFIX : '';
    expect(result.kind === 'usable' && result.config.statsd).toEqual({ host, port, prefix, keys: 'seed' });
  });
});

describe('secure.conf is checked as strictly', () => {
  test.each([
    ['[databse]\ndburi = x\n', 's.conf:1:1: unknown section [databse], did you mean [database]?'],
    ['[database]\ndbury = x\n', 's.conf:2:1: unknown key dbury in [database], did you mean dburi?'],
    ['[database]\ndburi =\n', 's.conf:2:1: dburi must not be empty'],
    ['[database]\nhunter2\n', 's.conf:2:1: neither a [section] nor KEY = VALUE'],
    ['dburi = x\n', 's.conf:1:1: dburi stands before the first [section]'],
    ['[jenkins "jenkins01"]\nurl = https://j/\nuser = u\n', 's.conf:1:1: missing key apikey in [jenkins "jenkins01"]'],
    [
      secureText.replace('jenkins01', 'jenkins02'),
      's.conf:5:1: warning: there is no target jenkins02, did you mean jenkins01?',
    ],
  ])('%j', (text, expected) => {
    expect(read(file(), secure(text)).said).toEqual([expected]);
  });
});
