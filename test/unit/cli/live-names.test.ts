import { Command, type Option } from 'commander';
import { expect, it } from 'vitest';
import type { CliSession } from '../../../src/cli/context.js';
import { liveCommands, liveNames, valuedOptions } from '../../../src/cli/live-names.js';
import { commands } from '../../../src/cli/main.js';
import { addGlobalOptions } from '../../../src/cli/options.js';
import { actor, FakeControl, image, node, provider } from '../../contract/http/fake-control.js';

const program = addGlobalOptions(new Command('nodepool'));
for (const command of commands) command.register(program, {} as CliSession);
const live = program.commands.filter(command => liveCommands.includes(command.name()));

it('names are offered for commands that there are, and their options with a value are known', () => {
  expect(live.map(command => command.name()).sort()).toEqual([...liveCommands].sort());
  const all = [program, ...live, ...live.flatMap(command => command.commands)].flatMap(command => command.options);
  const namesOf = ({ short, long }: Option): string[] => [short, long].flatMap(name => name ?? []);
  const valued = all.filter(option => option.required || option.optional).flatMap(namesOf);
  expect([...new Set(valued)].sort()).toEqual([...valuedOptions].sort());
});

it.each<[line: string, names: readonly string[]]>([
  ['', []],
  ['list', []],
  ['hold', ['17', '23']],
  ['hold 17', []],
  ['hold --reason', []],
  ['hold --reason why --for 2h', ['17', '23']],
  ['-o json delete --now', ['17', '23']],
  ['release', ['23']],
  ['image-update', ['hp']],
  ['image-update hp', ['trusty']],
  ['image-update hp trusty', []],
  ['image-delete', ['3']],
  ['alien-list', ['hp']],
  ['job-delete', ['5']],
  ['inspect', ['/', '/providers/hp', '/providers/hp/images', '/providers/hp/images/trusty']],
  ['explain', ['label', 'provider', 'node']],
  ['explain provider', ['hp']],
  ['explain node', ['17', '23']],
  ['explain label', ['bare']],
  ['plan --demand', ['bare=']],
  ['plan', []],
  ['wait', ['node', 'image']],
  ['wait node', ['17', '23']],
  ['wait image', ['hp']],
  ['wait image hp', ['trusty']],
  ['tune', ['hp']],
])('nodepool %s … is followed by %j', async (line, names) => {
  const api = new FakeControl();
  api.nodeViews = [node(17), node(23, { state: 'hold' })];
  api.providerViews = [provider('hp')];
  api.imageViews = [image(3)];
  api.jobViews = [{ id: 5, name: 'gate-nova', holdOnFailure: 1 }];
  const images = actor('/providers/hp/images', { children: [actor('/providers/hp/images/trusty')] });
  api.root = actor('/', { children: [actor('/providers/hp', { children: [images] })] });
  const bare = { label: 'bare', verdict: 'well', figures: null, refusals: [], images: [], failures: [], underWay: [] };
  api.explainView = { at: 0, roundAt: null, sampledAt: null, labels: [bare], providers: [], node: null, rounds: [] };
  const found = await liveNames(line.split(' ').filter(Boolean), api);
  expect(found.map(({ name }) => name)).toEqual(names);
});

it('what may be tuned may be tuned again in the same line', async () => {
  const names = (await liveNames(['tune', 'hp', 'rate=1', 'calls=2'], new FakeControl())).map(({ name }) => name);
  expect(names).toContain('launches=');
});
