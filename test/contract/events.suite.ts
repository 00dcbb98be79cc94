import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventListener, EventSource, EventSubscription } from '../../src/ports/events.js';
import { until } from '../support/until.js';

export interface EventsHarness {
  readonly source: EventSource;
  readonly endpoint: string;
  publish(frame: string): Promise<void> | void;
  down(): Promise<void> | void;
  up(): Promise<void> | void;
  end(): Promise<void>;
}

/** Remembers what it hears. */
export class Ear implements EventListener {
  readonly frames: string[] = [];
  readonly links: string[] = [];
  readonly details: (string | null)[] = [];

  frame(text: string): void {
    this.frames.push(text);
  }

  link(state: string, detail: string | null): void {
    this.links.push(state);
    this.details.push(detail);
  }

  get state(): string | undefined {
    return this.links.at(-1);
  }
}

/** What every source of job events promises. */
export function eventsContract(subject: string, start: () => Promise<EventsHarness>): void {
  describe(`a source of events: ${subject}`, () => {
    let world: EventsHarness;
    let ear: Ear;
    let subscription: EventSubscription;
    beforeAll(async () => {
      world = await start();
    });
    afterAll(async () => {
      await subscription.close();
      await world.end();
    });
    beforeEach(async () => {
      await (subscription as EventSubscription | undefined)?.close();
      ear = new Ear();
      subscription = world.source.open(world.endpoint, ear);
    });

    /** What is published before a subscription is through is lost, also after the handshake. */
    async function heard(frame: string): Promise<void> {
      await until(async () => {
        if (!ear.frames.includes(frame)) await world.publish(frame);
        return ear.frames.includes(frame);
      });
    }

    it('says nothing before open has returned, then connecting, then connected', async () => {
      const own = new Ear();
      const opened = world.source.open(world.endpoint, own);
      expect(own.links).toEqual([]);
      await until(() => own.state === 'connected');
      expect(own.links).toEqual(['connecting', 'connected']);
      await opened.close();
    });

    it('passes frames on as they are, and in order', async () => {
      await heard('first');
      const frames = Array.from({ length: 100 }, (_, index) => `onStarted {"name":"a b\\u003d","n":${index}}`);
      for (const frame of frames) await world.publish(frame);
      await until(() => ear.frames.includes(frames.at(-1) ?? ''));
      expect(ear.frames.filter(frame => frame !== 'first')).toEqual(frames);
    });

    it('says that a publisher is lost, and connects to it again when it is back', async () => {
      await until(() => ear.state === 'connected');
      await world.down();
      await until(() => ear.state === 'lost');
      await world.up();
      await until(() => ear.state === 'connected');
      await heard('after');
      expect(ear.links).toEqual(['connecting', 'connected', 'lost', 'connected']);
    });

    it('says nothing after close, and closes twice', async () => {
      await heard('before');
      const closed = subscription.close();
      const { frames, links } = { frames: [...ear.frames], links: [...ear.links] };
      await world.publish('after');
      await world.down();
      await world.up();
      await closed;
      await subscription.close();
      expect(ear.frames).toEqual(frames);
      expect(ear.links).toEqual(links);
    });

    it('can be closed before it said anything', async () => {
      const own = new Ear();
      await world.source.open(world.endpoint, own).close();
      expect(own.links).toEqual([]);
    });
  });
}
