import { describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../src/domain/pool-config.js';
import { readConfig } from '../../src/config/load.js';
import type { ConfigResult, ReadOptions } from '../../src/config/load.js';
import { hostnameTemplate } from '../../src/domain/template.js';
import { problemText } from '../../src/config/problem.js';

/** A small valid file; tests put in or take out lines. */
const small = `dburi: mysql://u:p@h/db
labels:
  - name: bare
    image: trusty
    providers:
      - name: east
      - name: west
providers:
  - name: east
    username: u
    password: p
    auth-url: https://keystone.example.org/v2.0
    project-id: t
    max-servers: 10
    images:
      - name: trusty
        base-image: Ubuntu
        min-ram: 1024
  - name: west
    cloud: west
    max-servers: 5
    cloud-images:
      - name: trusty
targets:
  - name: jenkins01
    jenkins:
      url: https://jenkins01/
      user: u
      apikey: k
`;
const read = (text: string, options: Partial<ReadOptions> = {}): ConfigResult =>
  readConfig(text, { file: 'n.yaml', needsDatabase: true, ...options });
const said = (result: ConfigResult): string[] => result.problems.map(problemText);
const edited = (from: string, to: string): string => {
  expect(small).toContain(from);
  return small.replace(from, to);
};
function usable(text: string, options: Partial<ReadOptions> = {}): PoolConfig {
  const result = read(text, options);
  if (result.kind === 'refused') throw new Error(said(result).join('\n'));
  return result.config;
}

describe('a file is refused with the exact place', () => {
  const table: [what: string, text: string, expected: string[]][] = [
    ['an empty file', '', ['n.yaml:1:1: the file is empty']],
    ['only comments', '# nothing\n', ['n.yaml:1:1: the file has only comments']],
    [
      'a list at the top',
      '- a\n',
      [
        'n.yaml:1:1: the file must be a map, is a list',
        'n.yaml:1:1: missing key dburi (or dburi-file, NODEPOOLD_DBURI, or secure.conf)',
      ],
    ],
    ['a tab', 'labels:\n\t- name: a\n', ['n.yaml:2:1: a tab: YAML is indented with spaces']],
    ['a key twice', 'dburi: mysql://h/d\ndburi: mysql://h/e\n', ['n.yaml:2:1: the same key a second time']],
    [
      'a second document',
      'labels: []\n---\nlabels: []\n',
      ['n.yaml:2:1: a second document begins here; the file is to be one'],
    ],
    ['an alias of nothing', 'labels: *none\n', ['n.yaml:1:9: an alias without its anchor: *none']],
    ['an unknown tag', 'dburi: !secret x\n', ['n.yaml:1:8: an unknown YAML tag: !secret']],
    [
      'an unknown key',
      edited('    image: trusty\n    providers', '    image: trusty\n    min-redy: 3\n    providers'),
      ['n.yaml:5:5: unknown key min-redy, did you mean min-ready?'],
    ],
    ['an unknown key like no other', `${small}bogus: 1\n`, ['n.yaml:30:1: unknown key bogus']],
    ['the prototype as a key', `${small}__proto__: 1\n`, ['n.yaml:30:1: unknown key __proto__']],
    [
      'text for a number',
      edited('max-servers: 10', 'max-servers: ten'),
      ['n.yaml:14:18: max-servers must be a number, is text'],
    ],
    [
      'a quoted number',
      edited('max-servers: 10', "max-servers: '10'"),
      ['n.yaml:14:18: max-servers must be a number, is text, did you mean 10?'],
    ],
    [
      'a fraction for an integer',
      edited('max-servers: 10', 'max-servers: 1.5'),
      ['n.yaml:14:18: max-servers must be a whole number, is 1.5'],
    ],
    [
      'a map for a list',
      edited('targets:\n  - name: jenkins01\n    jenkins:', 'targets:\n    name: jenkins01\n    jenkins:'),
      ['n.yaml:25:5: targets must be a list, is a map'],
    ],
    ['a missing key', edited('    max-servers: 10\n', ''), ['n.yaml:9:5: missing key max-servers']],
    ['no value for a required key', edited('max-servers: 10', 'max-servers:'), ['n.yaml:9:5: missing key max-servers']],
    [
      'too small a number',
      edited('    image: trusty\n', '    image: trusty\n    subnodes: -1\n'),
      ['n.yaml:5:15: subnodes must be at least 0, is -1'],
    ],
    [
      'a port out of range',
      `${small}gearman-servers: [{host: zuul, port: 70000}]\n`,
      ['n.yaml:30:38: port must be at most 65535, is 70000'],
    ],
    [
      'a port in a host',
      `${small}gearman-servers: [{host: 'zuul:4730'}]\n`,
      ['n.yaml:30:26: host: wanted a host name or address alone; the port has its own key, did you mean zuul?'],
    ],
    [
      'a certificate without its key',
      `${small}gearman-servers: [{host: zuul, ssl-cert: /etc/zuul.pem}]\n`,
      ['n.yaml:30:19: missing key ssl-key (it belongs to ssl-cert)'],
    ],
    [
      'a choice',
      `${small}statsd: {keys: sed}\n`,
      ['n.yaml:30:16: keys must be one of seed, 0.3, both, is "sed", did you mean seed?'],
    ],
    [
      'a template',
      edited('name: jenkins01\n', "name: jenkins01\n    hostname: '{label.nam}-{node_id}'\n"),
      ['n.yaml:26:15: hostname: the template has an unknown field {label.nam}, did you mean {label.name}?'],
    ],
    [
      'a subnode in a node name',
      edited('name: jenkins01\n', "name: jenkins01\n    hostname: '{subnode_id}'\n"),
      ['n.yaml:26:15: hostname: the template has an unknown field {subnode_id}, did you mean {node_id}?'],
    ],
    [
      'a cron expression',
      `${small}cron: {check: '61 * * * *'}\n`,
      ['n.yaml:30:15: check: not a cron expression: Invalid value for minute: 61'],
    ],
    [
      'a cron expression of four fields',
      `${small}cron: {check: '* * * *'}\n`,
      ['n.yaml:30:15: check: a cron expression has five fields, or six with the seconds last; this has 4'],
    ],
    [
      'a publisher without scheme',
      `${small}zmq-publishers: ['jenkins:8888']\n`,
      [
        'n.yaml:30:18: zmq-publishers[0]: a ZeroMQ endpoint looks like tcp://HOST:PORT, did you mean tcp://jenkins:8888?',
      ],
    ],
    [
      'a publisher twice',
      `${small}zmq-publishers: ['tcp://a:1', 'tcp://a:1']\n`,
      ['n.yaml:30:31: tcp://a:1 a second time in this list'],
    ],
    [
      'an unknown database',
      edited('mysql://u:p@h/db', 'sqlite:///secret'),
      [
        'n.yaml:1:8: dburi: unknown database sqlite: known are mysql, mysql+pymysql, mariadb, postgresql, postgresql+psycopg2, embedded',
      ],
    ],
    [
      'no database',
      edited('dburi: mysql://u:p@h/db\n', ''),
      ['n.yaml:1:1: missing key dburi (or dburi-file, NODEPOOLD_DBURI, or secure.conf)'],
    ],
    [
      'control off loopback',
      `${small}control: {http: '0.0.0.0:8005'}\n`,
      ['n.yaml:30:17: http: the control API listens on loopback only, did you mean 127.0.0.1:8005?'],
    ],
    [
      'a label twice',
      edited(
        'providers:\n  - name: east',
        '  - name: bare\n    image: trusty\n    providers: [{name: east}]\nproviders:\n  - name: east',
      ),
      ['n.yaml:8:11: bare a second time in this list'],
    ],
    [
      'an image and a cloud image of one name',
      edited(
        '    cloud-images:\n      - name: trusty\n',
        '    cloud-images:\n      - name: trusty\n      - name: trusty\n',
      ),
      ['n.yaml:24:15: trusty a second time in this list'],
    ],
    [
      'no credentials',
      edited('    username: u\n    password: p\n', ''),
      [
        'n.yaml:9:5: missing key password (or password-file, NODEPOOLD_PROVIDER_EAST_PASSWORD, or cloud)',
        'n.yaml:9:5: missing key username (or cloud)',
      ],
    ],
    [
      'a Jenkins without key',
      edited('      apikey: k\n', ''),
      ['n.yaml:26:5: missing key apikey (or apikey-file, or NODEPOOLD_TARGET_JENKINS01_APIKEY)'],
    ],
    [
      'a nameless network',
      edited('    max-servers: 10\n', '    max-servers: 10\n    networks: [{public: true}]\n'),
      ['n.yaml:15:16: missing key net-id (or name, or port-id)'],
    ],
    ['no memory given', edited('        min-ram: 1024\n', ''), ['n.yaml:16:9: missing key min-ram (or flavor-name)']],
    [
      'six properties',
      edited('min-ram: 1024\n', 'min-ram: 1024\n        meta: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6}\n'),
      ['n.yaml:19:15: meta: 6 entries, of at most 5'],
    ],
    [
      'a long property',
      edited('min-ram: 1024\n', `min-ram: 1024\n        meta: {a: ${'x'.repeat(256)}}\n`),
      ['n.yaml:19:19: a: longer than 255 characters'],
    ],
    [
      'a label without providers',
      edited('    providers:\n      - name: east\n      - name: west\n', ''),
      ['n.yaml:3:5: missing key providers (or a negative min-ready)'],
    ],
    ['a timing of nothing', `${small}timings: {poll: 0}\n`, ['n.yaml:30:17: poll must be at least 0.01, is 0']],
  ];
  test.each(table)('%s', (_, text, expected) => {
    const result = read(text);
    expect(said(result)).toEqual(expected);
    expect(result.kind).toBe('refused');
  });

  test('everything wrong is told in one run, by line', () => {
    const text = edited('max-servers: 10', 'max-servers: ten').replace(
      'name: west\nproviders',
      'name: nope\nproviders',
    );
    expect(said(read(`${text}bogus: 1\n`))).toEqual([
      'n.yaml:7:15: label bare: there is no provider nope',
      'n.yaml:14:18: max-servers must be a number, is text',
      'n.yaml:30:1: unknown key bogus',
    ]);
  });

  test('aliases that expand without bound are refused', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`,
    );
    expect(said(read(`a0: &a0 x\n${levels.join('\n')}\n`)).join()).toMatch(/aliases/);
  });

  test('a secret is in no message', () => {
    const text = small
      .replace('mysql://u:p@h/db', 'oracle://u:hunter2@h')
      .replace('password: p', 'password: [hunter2]');
    expect(said(read(text, { env: { NODEPOOLD_DBURI: 'nonsense-hunter2' } })).join('\n')).not.toContain('hunter2');
  });
});

describe('a bad cross reference disables one thing alone', () => {
  const table: [what: string, text: string, labels: string[], disabled: object[], problems: string[]][] = [
    [
      'an unknown provider: the label',
      edited('- name: west\nproviders', '- name: wets\nproviders'),
      [],
      [{ kind: 'label', name: 'bare' }],
      ['n.yaml:7:15: label bare: there is no provider wets, did you mean west?'],
    ],
    [
      'an image in no provider: the label',
      edited('    image: trusty\n', '    image: trusy\n'),
      [],
      [{ kind: 'label', name: 'bare' }],
      ['n.yaml:4:12: label bare: none of its providers has an image trusy, did you mean trusty?'],
    ],
    [
      'an image missing in one provider: that pairing',
      edited('cloud-images:\n      - name: trusty', 'cloud-images:\n      - name: precise'),
      ['bare: east'],
      [{ kind: 'pairing', name: 'bare/west' }],
      ['n.yaml:7:15: label bare: provider west has no image trusty'],
    ],
    [
      'a group larger than every provider: the label',
      edited('    image: trusty\n', '    image: trusty\n    subnodes: 10\n'),
      [],
      [{ kind: 'label', name: 'bare' }],
      ['n.yaml:5:15: label bare: a node with its subnodes is 11 servers, and no provider may have more than 10'],
    ],
    [
      'an unknown disk image: that image',
      edited('base-image: Ubuntu', 'diskimage: ubntu').replace('targets:', 'diskimages: [{name: ubuntu}]\ntargets:'),
      ['bare: east west'],
      [{ kind: 'image', name: 'east/trusty' }],
      ['n.yaml:17:20: provider east: there is no disk image ubntu, did you mean ubuntu?'],
    ],
  ];
  test.each(table)('%s', (_, text, labels, disabled, problems) => {
    const config = usable(text);
    expect(said(read(text))).toEqual(problems);
    expect(config.labels.map(label => `${label.name}: ${label.providers.join(' ')}`)).toEqual(labels);
    expect(config.disabled).toEqual(disabled.map((one, index) => ({ ...one, reason: problems[index] })));
    expect(config.providers.map(provider => provider.name)).toEqual(['east', 'west']);
  });

  test('a disabled label needs no image and no provider', () => {
    const text = edited(
      '    image: trusty\n    providers:\n      - name: east\n      - name: west\n',
      '    image: x\n    min-ready: -1\n',
    );
    expect(said(read(text))).toEqual([]);
  });

  test('a drained pool is no mistake', () => {
    expect(said(read(small.replaceAll(/max-servers: \d+/g, 'max-servers: -1')))).toEqual([]);
  });
});

describe('a warning changes nothing', () => {
  test('a name that breaks statsd keys', () => {
    const result = read(small.replaceAll('bare', 'bare.1'));
    expect(result.kind).toBe('usable');
    expect(said(result)).toEqual(['n.yaml:3:11: warning: the name "bare.1" has "." in it, which breaks statsd keys']);
  });
});

describe('what a file means', () => {
  test('no lists are needed', () => {
    const config = usable('dburi: embedded:\n'.replace('embedded:', "'embedded:'"));
    expect([config.labels, config.providers, config.targets, config.zmqPublishers]).toEqual([[], [], [], []]);
  });

  test('defaults are those of the original and of the design', () => {
    const config = usable(small);
    const [east, west] = config.providers;
    expect(config.labels[0]).toMatchObject({ minReady: 2, subnodes: 0, readyScript: null });
    expect(east).toMatchObject({
      rateMs: 1000,
      bootTimeoutMs: 60_000,
      launchTimeoutMs: 3_600_000,
      serviceType: 'compute',
    });
    expect(east?.images[0]).toMatchObject({
      username: 'jenkins',
      privateKeyFile: '/var/lib/jenkins/.ssh/id_rsa',
      sshPort: 22,
    });
    expect(west?.cloudImages[0]).toMatchObject({ imageId: null, imageName: 'trusty' });
    expect(config.cron).toEqual({ imageUpdate: '14 2 * * *', cleanup: '* * * * *', check: '*/15 * * * *' });
    expect(config.timings).toEqual({
      pass: 10_000,
      deleteDelay: 60_000,
      nodeCleanup: 28_800_000,
      testCleanup: 300_000,
      imageCleanup: 28_800_000,
      serverList: 5000,
      poll: 2000,
      serverDelete: 600_000,
      address: 600_000,
      templateBoot: 3_600_000,
      templateSsh: 600_000,
      distroSsh: 10_000,
      snapshot: 21_600_000,
      subnodeWait: 28_740_000,
      checkSsh: 60_000,
      script: 3_600_000,
      api: 60_000,
      gearman: 90_000,
      demandAge: 60_000,
      stop: 30_000,
    });
  });

  test.each([
    ['rate: 0.001', 8],
    ['rate: 0.1', 1],
    ['rate: 1', 1],
    ['concurrency: {calls: 3}', 3],
  ])('%s gives %i calls in flight', (line, calls) => {
    const config = usable(edited('    max-servers: 10\n', `    max-servers: 10\n    ${line}\n`));
    expect(config.providers[0]?.concurrency).toEqual({ workers: 1, calls, launches: 40, deletes: 40, imageBuilds: 2 });
  });

  test('a plain scalar where text is wanted is text as it is written', () => {
    const text = `${edited('project-id: t', 'project-id: 0637776')}diskimages: [{name: d, release: 14.10, env-vars: {A: yes}}]\n`;
    const config = usable(text);
    expect(config.providers[0]?.credentials.projectName).toBe('0637776');
    expect(config.diskimages[0]).toMatchObject({ release: '14.10', envVars: { A: 'yes' } });
  });

  test('anchors, merges and the booleans of YAML 1.1 are read as ever', () => {
    const text = edited(
      '  - name: west\n    cloud: west\n',
      '  - &w\n    name: west\n    cloud: west\n    ipv6-preferred: yes\n',
    ).replace('targets:', '  - {<<: *w, name: south, max-servers: 7}\ntargets:');
    expect(usable(text).providers[2]).toMatchObject({ name: 'south', maxServers: 7, ipv6Preferred: true });
    expect(said(read(text.replace('cloud: west\n', 'cloud: west\n    rte: 1\n')))).toEqual([
      'n.yaml:22:5: unknown key rte, did you mean rate?',
    ]);
  });

  test('a sixth cron field is the seconds, which croner wants first', () => {
    expect(usable(`${small}cron: {check: '1 2 3 4 5 6'}\n`).cron.check).toBe('6 1 2 3 4 5');
  });

  test('a target may have no Jenkins, or only its test job as in 0.3', () => {
    const bare = edited('    jenkins:\n      url: https://jenkins01/\n      user: u\n      apikey: k\n', '');
    expect(usable(bare).targets[0]?.jenkins).toBeNull();
    expect(usable(`${bare}    jenkins: {test-job: accept}\n`).targets[0]?.jenkins).toBeNull();
  });

  test('host names are the target’s, else the label’s, where the manual of 2014 showed them: lesson 150', () => {
    const label = "    image: trusty\n    hostname: 'l-{node_id}'\n    subnode-hostname: 'l-{node_id}-{subnode_id}'\n";
    const target = "name: jenkins01\n    hostname: 't-{node_id}'\n";
    const names = (text: string) => {
      const [one, other] = [usable(text).targets[0], usable(text).labels[0]];
      if (!one || !other) throw new Error('it has a target and a label');
      const both = { target: one, label: other };
      return [hostnameTemplate('hostname', both), hostnameTemplate('subnodeHostname', both)];
    };
    const ofLabel = edited('    image: trusty\n', label);
    expect(names(small)).toEqual([
      '{label.name}-{provider.name}-{node_id}',
      '{label.name}-{provider.name}-{node_id}-{subnode_id}',
    ]);
    expect(names(ofLabel)).toEqual(['l-{node_id}', 'l-{node_id}-{subnode_id}']);
    expect(names(ofLabel.replace('name: jenkins01\n', target))).toEqual(['t-{node_id}', 'l-{node_id}-{subnode_id}']);
    expect(said(read(ofLabel.replace('l-{node_id}', 'l-{nodeid}')))).toEqual([
      'n.yaml:5:15: hostname: the template has an unknown field {nodeid}, did you mean {node_id}?',
    ]);
  });

  test('the keys of later generations have a place', () => {
    const config = usable(
      `${edited('    max-servers: 10\n', '    max-servers: 10\n    max-cores: 4\n    max-ram: 8\n    launch-retries: 5\n    max-concurrency: 9\n    host-key-checking: no\n    ignore-provider-quota: true\n').replace('    image: trusty\n', '    image: trusty\n    max-ready-age: 60\n    console-log: true\n')}max-hold-age: 3600\nwebapp: {port: 9000}\n`,
    );
    expect(config.providers[0]).toMatchObject({
      maxCores: 4,
      maxRamMb: 8,
      launchRetries: 5,
      hostKeyChecking: false,
      ignoreProviderQuota: true,
    });
    expect(config.providers[0]?.concurrency.launches).toBe(9);
    expect(config.labels[0]).toMatchObject({ maxReadyAgeMs: 60_000, consoleLog: true });
    expect([config.maxHoldAgeMs, config.control.http]).toEqual([3_600_000, '127.0.0.1:9000']);
  });
});
