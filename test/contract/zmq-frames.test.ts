/** The frames of Jenkins' ZMQ Event Publisher, byte for byte, through a real socket (reference 16). */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Publisher } from 'zeromq';
import { openZmqEvents } from '../../src/adapters/zmq/event-source.js';
import { readJobEvent } from '../../src/domain/job-event.js';
import type { EventSubscription } from '../../src/ports/events.js';
import { eventFrame, type BuildEvent } from '../../src/sim/jenkins/event-frame.js';
import { bindAnywhere } from '../../src/sim/jenkins/publisher.js';
import { until } from '../support/until.js';
import { Ear } from './events.suite.js';

const dir = 'test/fixtures/zmq/';
const bytesOf = (name: string): Buffer => readFileSync(`${dir}${name}.frame`);

const job = 'gate-nova-python27';
const nodename = 'bare-precise-rax-dfw-1234';
const docs = { kind: 'event', job: 'docs', nodename, branch: 'unknown_branch' };
const gate = { kind: 'event', job, nodename, branch: 'stable/icehouse' };
const ignored = { kind: 'ignored', why: 'the build names no node' };

/** What is made of each frame. */
const readings: Readonly<Record<string, object>> = {
  started: { ...gate, topic: 'onStarted', result: null },
  completed: { ...gate, topic: 'onCompleted', result: 'SUCCESS' },
  'finalized-success': { ...gate, topic: 'onFinalized', result: 'SUCCESS' },
  'finalized-unstable': { ...gate, topic: 'onFinalized', result: 'UNSTABLE' },
  'finalized-failure': { ...gate, topic: 'onFinalized', result: 'FAILURE' },
  'finalized-not-built': { ...gate, topic: 'onFinalized', result: 'NOT_BUILT' },
  'finalized-aborted': { ...gate, topic: 'onFinalized', result: 'ABORTED' },
  'finalized-without-parameters': { ...docs, topic: 'onFinalized', result: 'SUCCESS' },
  'finalized-with-only-secret-parameters': { ...docs, job: 'release', topic: 'onFinalized', result: 'SUCCESS' },
  'finalized-of-a-deleted-node': { ...docs, topic: 'onFinalized', result: 'FAILURE' },
  'finalized-with-escapes': { ...gate, topic: 'onFinalized', result: 'SUCCESS', branch: 'feature/x=y' },
  'finalized-in-ascii': { ...gate, topic: 'onFinalized', result: 'SUCCESS', branch: 'master' },
  'finalized-in-latin-1': { ...gate, topic: 'onFinalized', result: 'SUCCESS', branch: 'master' },
  'started-without-root-url': { ...docs, topic: 'onStarted', result: null },
  'started-with-description': { ...docs, topic: 'onStarted', result: null },
  'started-without-host': { ...docs, topic: 'onStarted', result: null },
  'started-on-the-master': ignored,
  'started-pipeline': ignored,
  'started-matrix-parent': ignored,
  'started-matrix-cell': { ...docs, topic: 'onStarted', job: 'os=precise,python=2.7', result: null },
  'started-in-a-folder': { ...docs, topic: 'onStarted', job: 'unit', result: null },
};

describe('frames of the plugin', () => {
  const ear = new Ear();
  let publisher: Publisher;
  let subscription: EventSubscription;
  beforeAll(async () => {
    publisher = new Publisher({ linger: 0 });
    subscription = openZmqEvents().open(await bindAnywhere(publisher), ear);
    await until(async () => {
      await publisher.send('subscribed');
      return ear.frames.includes('subscribed');
    });
  });
  afterAll(async () => {
    await subscription.close();
    publisher.close();
  });

  it('are all read here', () => {
    const files = readdirSync(dir).map(name => name.replace(/\.frame$/, ''));
    expect(files.sort()).toEqual(Object.keys(readings).sort());
  });

  it.each(Object.entries(readings))('%s', async (name, reading) => {
    const bytes = bytesOf(name);
    ear.frames.length = 0;
    await publisher.send(bytes);
    await until(() => ear.frames.some(text => text !== 'subscribed'));
    const [text = ''] = ear.frames.filter(each => each !== 'subscribed');
    if (!name.endsWith('latin-1')) expect(Buffer.from(text)).toEqual(bytes);
    expect(readJobEvent(text)).toEqual(reading);
  });
});

const parameters = {
  ZUUL_UUID: '5c2e',
  LOG_PATH: '89/8789/2/gate',
  ZUUL_BRANCH: 'stable/icehouse',
  OFFLINE_NODE_WHEN_COMPLETE: '1',
};
const build: BuildEvent = {
  job,
  fullUrl: `https://jenkins01.example.org/job/${job}/12/`,
  number: 12,
  phase: 'STARTED',
  status: undefined,
  parameters,
  nodeName: nodename,
  nodeDescription: undefined,
  hostName: 'jenkins01',
};
const bare: BuildEvent = { ...build, job: 'docs', fullUrl: undefined, parameters: undefined };

describe('the simulated master sends the same bytes', () => {
  it.each<[string, BuildEvent]>([
    ['started', build],
    ['completed', { ...build, phase: 'COMPLETED', status: 'SUCCESS' }],
    ['finalized-not-built', { ...build, phase: 'FINISHED', status: 'NOT_BUILT' }],
    ['started-without-root-url', { ...bare, number: 4 }],
    ['started-with-description', { ...bare, number: 5, nodeDescription: 'Dynamic single use bare-precise node' }],
    ['started-without-host', { ...bare, number: 6, hostName: undefined }],
    ['started-on-the-master', { ...bare, number: 6, nodeName: '' }],
    ['started-matrix-parent', { ...bare, job: 'matrix', number: 1, nodeName: undefined }],
    [
      'finalized-with-only-secret-parameters',
      {
        ...bare,
        job: 'release',
        fullUrl: 'https://jenkins01.example.org/job/release/7/',
        number: 7,
        phase: 'FINISHED',
        status: 'SUCCESS',
        parameters: {},
      },
    ],
    [
      'finalized-with-escapes',
      {
        ...build,
        fullUrl: undefined,
        phase: 'FINISHED',
        status: 'SUCCESS',
        parameters: { MESSAGE: 'a < b & c > \'d\' "e" \\ \t\n\u007f\u2028 é/☂', ZUUL_BRANCH: 'feature/x=y' },
      },
    ],
  ])('%s', (name, event) => {
    expect(eventFrame(event)).toBe(bytesOf(name).toString('utf8'));
  });
});
