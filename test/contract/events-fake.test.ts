import { expect, it } from 'vitest';
import { FakeEvents } from '../support/fake-events.js';
import { Ear, eventsContract } from './events.suite.js';

eventsContract('the fake', async () => {
  const source = new FakeEvents();
  const endpoint = 'tcp://m1:8888';
  const publisher = source.publisher(endpoint);
  return {
    source,
    endpoint,
    publish: async frame => publisher.publish(frame),
    down: () => publisher.disconnect(),
    up: () => publisher.reconnect(),
    end: async () => undefined,
  };
});

it('the fake loses frames when it is told to', async () => {
  const events = new FakeEvents();
  const ear = new Ear();
  const subscription = events.open('tcp://m1:8888', ear);
  events.publisher('tcp://m1:8888').drop(2);
  for (const frame of ['a', 'b', 'c']) events.publish(frame);
  await Promise.resolve();
  expect(ear.frames).toEqual(['c']);
  expect(events.opened).toEqual(['tcp://m1:8888']);
  await subscription.close();
  expect(events.opened).toEqual([]);
});
