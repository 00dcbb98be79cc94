/** Job events of a Jenkins master: frames as they come off the wire. `domain/job-event` reads them. */

export interface EventSource {
  /** Connects, and reconnects for ever, until `close`. The listener is never called after `close` has returned. */
  open(endpoint: string, listener: EventListener): EventSubscription;
}

export interface EventListener {
  /** One ZeroMQ message, `TOPIC JSON`. */
  frame(text: string): void;
  /** `connected` only after the handshake: an open TCP port alone says nothing. */
  link(state: LinkState, detail: string | null): void;
}

export type LinkState = 'connecting' | 'connected' | 'lost';

export interface EventSubscription {
  close(): Promise<void>;
}
