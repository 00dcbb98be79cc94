import { afterEach, expect, it } from 'vitest';
import { eventFrame } from '../../src/sim/jenkins/event-frame.js';
import type { Profile } from '../../src/sim/jenkins/settings.js';
import type { World } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import { addOnlineSlave, callMaster, listenToEvents, masterOf, startSmallWorld } from '../support/world.js';

let world: World | null = null;
let hearing: { frames: string[]; close: () => void } | null = null;
afterEach(async () => {
  hearing?.close();
  await world?.close();
  hearing = world = null;
});

/** A world and a subscription that is known to be through. */
async function hear(profile: Profile): Promise<{ world: World; frames: () => string[] }> {
  const started = await startSmallWorld({ masters: [{ name: 'jenkins01', profile }] });
  const events = await listenToEvents(masterOf(started).zmqEndpoint);
  [world, hearing] = [started, events];
  await heartbeat(started, events.frames);
  return { world: started, frames: () => events.frames.filter(frame => frame !== 'ping {}') };
}

async function heartbeat(started: World, frames: string[]): Promise<void> {
  const before = frames.length;
  await until(() => {
    masterOf(started).publisher.send('ping {}');
    return frames.length > before;
  });
}

it('writes fields in the order of the plugin, escapes as Gson does, and leaves out what is unknown', () => {
  const frame = eventFrame({
    job: 'a=b',
    fullUrl: undefined,
    number: 7,
    phase: 'STARTED',
    status: undefined,
    parameters: { zuul: "it's <é>", B: 'x&y', a: '/' },
    nodeName: 'node',
    nodeDescription: undefined,
    hostName: 'h',
  });
  expect(frame).toBe(
    'onStarted {"name":"a\\u003db","url":"job/a\\u003db/","build":{"number":7,"phase":"STARTED",' +
      '"url":"job/a\\u003db/7/","parameters":{"a":"/","B":"x\\u0026y","zuul":"it\\u0027s \\u003cé\\u003e"},' +
      '"node_name":"node","host_name":"h"}}',
  );
});

it.each([
  ['old', false],
  ['new', true],
] as const)('publishes the three events of a job on a %s master', async (profile, hasDescription) => {
  const { world: here, frames } = await hear(profile);
  await addOnlineSlave(here);
  here.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 10, result: 'FAILURE' });
  await until(() => frames().length === 3);
  const builds = frames().map(frame => {
    const [topic, text = ''] = frame.split(/ (.*)/s);
    return { topic, ...(JSON.parse(text) as { name: string; build: Record<string, unknown> }) };
  });
  expect(builds.map(({ topic, build }) => [topic, build['phase'], build['status']])).toEqual([
    ['onStarted', 'STARTED', undefined],
    ['onCompleted', 'COMPLETED', 'FAILURE'],
    ['onFinalized', 'FINISHED', 'FAILURE'],
  ]);
  expect(builds[2]).toMatchObject({
    name: 'demo-job',
    build: { number: 1, node_name: 'node-1', parameters: { OFFLINE_NODE_WHEN_COMPLETE: '1', ZUUL_NODE: 'bare' } },
  });
  expect('node_description' in (builds[0]?.build ?? {})).toBe(hasDescription);
});

it('tells of a build whose node was deleted by name, without its description', async () => {
  const { world: here, frames } = await hear('new');
  await addOnlineSlave(here);
  here.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 60_000 });
  await until(() => here.jobs.running() === 1);
  await callMaster(masterOf(here), 'computer/node-1/doDelete', { method: 'POST' });
  await until(() => frames().length === 3);
  expect(frames()[2]).toContain('"status":"ABORTED"');
  expect(frames()[2]).toContain('"node_name":"node-1"');
  expect(frames()[2]).not.toContain('node_description');
});

it('is silent while its publisher is stopped, and comes back on the same endpoint', async () => {
  const { world: here, frames } = await hear('new');
  const { publisher, zmqEndpoint } = masterOf(here);
  await publisher.stop();
  publisher.send('lost {}');
  await publisher.start();
  expect(publisher.endpoint).toBe(zmqEndpoint);
  await heartbeat(here, hearing?.frames ?? []);
  publisher.send('not json at all');
  await until(() => frames().length === 1);
  expect(frames()).toEqual(['not json at all']);
});
