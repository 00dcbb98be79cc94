/** Publishers in memory. Links are told and frames arrive in microtasks, so that a virtual clock settles them. */
import type { EventListener, EventSource, EventSubscription } from '../../src/ports/events.js';

export class FakeEvents implements EventSource {
  readonly #publishers = new Map<string, FakePublisher>();

  open(endpoint: string, listener: EventListener): EventSubscription {
    return this.publisher(endpoint).attach(listener);
  }

  /** There before anybody subscribes, so that a test can take it down first. */
  publisher(endpoint: string): FakePublisher {
    const found = this.#publishers.get(endpoint) ?? new FakePublisher();
    this.#publishers.set(endpoint, found);
    return found;
  }

  /** From every publisher that is up: for worlds with one. */
  publish(frame: string): void {
    for (const publisher of this.#publishers.values()) publisher.publish(frame);
  }

  /** Endpoints with a subscriber. */
  get opened(): readonly string[] {
    return [...this.#publishers].filter(([, publisher]) => publisher.subscribers > 0).map(([endpoint]) => endpoint);
  }
}

export class FakePublisher {
  readonly #subscriptions = new Set<FakeSubscription>();
  #isUp = true;
  #dropping = 0;
  #isSilent = false;
  #isForGood = false;

  get subscribers(): number {
    return this.#subscriptions.size;
  }

  /** Lost where nobody is connected, as ZeroMQ has it. */
  publish(frame: string): void {
    if (!this.#isUp || this.#isSilent) return;
    if (this.#dropping > 0) {
      this.#dropping -= 1;
      return;
    }
    for (const subscription of this.#subscriptions) subscription.frame(frame);
  }

  /** The next frames are lost on the way. */
  drop(count = 1): void {
    this.#dropping += count;
  }

  /** Connected, and says nothing: until the next subscription, or for good. */
  silence({ isForGood = false } = {}): void {
    this.#isSilent = true;
    this.#isForGood = isForGood;
  }

  /** As when somebody has mended it. */
  speak(): void {
    this.#isSilent = false;
  }

  disconnect(detail = 'the connection broke'): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const subscription of this.#subscriptions) subscription.link('lost', detail);
  }

  reconnect(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    for (const subscription of this.#subscriptions) subscription.link('connected', null);
  }

  attach(listener: EventListener): EventSubscription {
    const subscription = new FakeSubscription(listener, () => this.#subscriptions.delete(subscription));
    this.#subscriptions.add(subscription);
    if (!this.#isForGood) this.#isSilent = false;
    subscription.link('connecting', null);
    if (this.#isUp) subscription.link('connected', null);
    return subscription;
  }
}

class FakeSubscription implements EventSubscription {
  readonly #listener: EventListener;
  readonly #detach: () => void;
  #isClosed = false;

  constructor(listener: EventListener, detach: () => void) {
    this.#listener = listener;
    this.#detach = detach;
  }

  frame(text: string): void {
    queueMicrotask(() => {
      if (!this.#isClosed) this.#listener.frame(text);
    });
  }

  link(...change: Parameters<EventListener['link']>): void {
    queueMicrotask(() => {
      if (!this.#isClosed) this.#listener.link(...change);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#detach();
  }
}
