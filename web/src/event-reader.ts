/** Follows the event stream for as long as the page is there; after a break it goes on where it was. */
import type { PoolEvent } from '../../src/ports/control.js';

export interface Hearing {
  event(event: PoolEvent): void;
  /** Whether events are heard now. */
  connected(isConnected: boolean): void;
}

const lastAtFirst = 200;
const againMs = 2_000;

export async function followEvents(hearing: Hearing): Promise<never> {
  let lastId: string | null = null;
  for (;;) {
    try {
      const headers: Record<string, string> = lastId === null ? {} : { 'last-event-id': lastId };
      const response = await fetch(`api/v1/events?last=${lastAtFirst}`, { headers });
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      hearing.connected(true);
      for await (const frame of framesOf(response.body)) {
        lastId = fieldOf(frame, 'id') ?? lastId;
        const text = fieldOf(frame, 'data');
        if (text !== undefined) hearing.event(JSON.parse(text) as PoolEvent);
      }
    } catch {
      // Why it broke does not matter: it is tried again.
    }
    hearing.connected(false);
    await new Promise(resolve => setTimeout(resolve, againMs));
  }
}

async function* framesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let unread = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const frames = (unread + value).split('\n\n');
    unread = frames.pop() ?? '';
    yield* frames;
  }
}

function fieldOf(frame: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
}
