/** What a command says to whoever mistypes: what is wrong, and what to do; with the exit code of DESIGN 5. */
import { afterEach, beforeEach, expect, it, test } from 'vitest';
import { examples } from '../../../src/cli/examples.js';
import { ofCloud } from '../../../src/domain/image.js';
import { unwatchedConfig } from '../../../src/sim/staged-config.js';
import { image } from '../../contract/http/fake-control.js';
import { Harness } from './harness.js';

let cli: Harness;

beforeEach(async () => {
  cli = await Harness.open();
  await cli.serve();
});

afterEach(async () => {
  await cli.close();
});

test.each([
  [['explain', 'node', 'abc'], '"abc" is not the id of a node, as nodepool list shows it'],
  [['hold', 'abc'], '"abc" is not the id of a node, as nodepool list shows it'],
  [['image-delete', 'abc'], '"abc" is not the id of an image, as nodepool image-list shows it'],
  [['job-delete', 'abc'], '"abc" is not the id of a job, as nodepool job-list shows it'],
])('%j is wrong usage, and is told so', async (argv, message) => {
  const { code, out, err } = await cli.ask(...argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
  expect(err).toContain('add --help');
});

it('an image is deleted by what -o name prints of it', async () => {
  cli.api.imageOutcome = { kind: 'done', image: image(3) };
  expect((await cli.ask('image-delete', 'image/3', '-o', 'name')).out).toBe('image/3\n');
  expect((await cli.ask('image-delete', 'node/3')).code).toBe(2);
});

it('a label that the configuration does not have is neither planned for nor waited for', async () => {
  cli.api.planView = { ...cli.api.planView, deficits: { small: 0, large: 2 } };
  const answer = { code: 3, out: '', err: 'nodepool: the configuration has no label smal; it has small, large\n' };
  expect(await cli.ask('plan', '--demand', 'smal=3')).toEqual(answer);
  expect((await cli.ask('plan', '--demand', 'small=3')).code).toBe(0);

  const labels = ['small', 'large'].map(label => ({ label, verdict: '', refusals: [], images: [], underWay: [] }));
  const nobody = { at: 0, roundAt: null, sampledAt: null, providers: [], node: null, rounds: [] };
  cli.api.explainView = { ...nobody, labels } as never;
  expect(await cli.ask('wait', '--ready', 'smal=3')).toEqual(answer);
  expect((await cli.ask('wait', '--ready', 'small=3', '--timeout', '1')).code).toBe(8);
});

it('an image of the cloud is not waited for: it is never built', async () => {
  const status = { provider: 'rax', image: 'trusty', current: null, candidate: null, building: [], isPaused: false };
  cli.api.imageStatuses = [{ ...status, plan: ofCloud, restsUntil: null, lastBuild: null }];
  expect(await cli.ask('wait', 'image', 'rax', 'trusty')).toEqual({
    code: 4,
    out: '',
    err: `nodepool: trusty of rax: ${ofCloud}; nodepool doctor says whether the cloud has it\n`,
  });
});

it('a job of which no node will be kept is created with a remark', async () => {
  expect((await cli.ask('job-create', 'gate')).err).toContain('--hold-on-failure N');
  expect((await cli.ask('job-create', 'gate', '--hold-on-failure', '2')).err).toBe('');
});

it('a configuration that is not there is to be named', async () => {
  const { code, err } = await cli.run('list', '-c', cli.path('none.yaml'));
  expect(code).toBe(6);
  expect(err.split('\n').at(-2)).toBe(
    'nodepool: the configuration cannot be used; correct it, or name another one with -c FILE',
  );
});

it('a simulated pool does not plan for another file as if that said the same', async () => {
  const { readConfig } = unwatchedConfig({} as never);
  expect(await readConfig()).toMatchObject({ kind: 'usable' });
  expect(await readConfig('next.yaml')).toMatchObject({ kind: 'refused' });
});

it('plan says what its tables are, and that nothing would be launched', async () => {
  cli.api.planView = { ...cli.api.planView, deficits: { small: 0 } };
  const { out } = await cli.ask('plan');
  expect(out).toContain('The next round would launch nothing.\nGroups that labels lack:\n+');
  expect((await cli.ask('plan', '-o', 'name')).out).toBe('');
});

it('the help of each command ends with examples, of options that it has', async () => {
  const { out } = await cli.run('--help');
  const names = [...out.slice(out.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name ?? '');
  expect(names.toSorted()).toEqual(Object.keys(examples).toSorted());
  for (const name of names) {
    const help = await cli.run(name, '--help');
    expect(help.out, name).toMatch(new RegExp(`\nExamples?:\n(?:  nodepool ${name}.*\n)+$`));
    const forms = name === 'wait' ? help.out + (await cli.run('wait', 'node', '--help')).out : help.out;
    for (const option of (examples[name] ?? []).join(' ').match(/(?<= )--?[a-z-]+/g) ?? []) {
      expect(forms.slice(0, forms.indexOf('Example')) + forms.slice(help.out.length), name).toContain(option);
    }
  }
});
