import type { Chance } from '../chance.js';
import type { Reply } from './reply.js';

/** What can go wrong with one HTTP call. */
export type HttpFault =
  /** Answers this and does nothing. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Answers a proxy's HTML page with this status (200 included) and does nothing. */
  | { readonly kind: 'html'; readonly status: number }
  /** Does it, then cuts the connection without an answer. */
  | { readonly kind: 'lose-reply' }
  /** Cuts the connection and does nothing. */
  | { readonly kind: 'reset' }
  /** Does it, sends half of the body, then cuts the connection. */
  | { readonly kind: 'half-answer' }
  /** Takes the request and stays silent until the client gives up. */
  | { readonly kind: 'hang'; readonly takesEffect?: boolean }
  /** Does it and answers, but later. */
  | { readonly kind: 'slow'; readonly delayMs: number };

/** Stands for every operation of a site. */
export const anyOperation = '*';

/** Which of the coming calls go wrong: first those told one by one, then those left to chance. */
export class HttpFaults {
  readonly #next = new Map<string, HttpFault[]>();
  readonly #rates = new Map<string, { readonly rate: number; readonly faults: readonly HttpFault[] }>();
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The next `times` calls of the operation go wrong this way. */
  next(operation: string, fault: HttpFault, times = 1): void {
    const queue = this.#next.get(operation) ?? [];
    for (let i = 0; i < times; i++) queue.push(fault);
    this.#next.set(operation, queue);
  }

  /** From now on each call goes wrong with this probability, in one of these ways; 0 ends it, 1 means always. */
  rate(operation: string, rate: number, ...faults: readonly HttpFault[]): void {
    if (rate > 0) this.#rates.set(operation, { rate, faults });
    else this.#rates.delete(operation);
  }

  clear(): void {
    this.#next.clear();
    this.#rates.clear();
  }

  /** The fault that hits this call, or null. */
  take(operation: string): HttpFault | null {
    const told = this.#next.get(operation)?.shift() ?? this.#next.get(anyOperation)?.shift();
    if (told) return told;
    const random = this.#rates.get(operation) ?? this.#rates.get(anyOperation);
    if (!random || !this.#chance.happens(random.rate)) return null;
    return random.faults[Math.floor(this.#chance.next() * random.faults.length)] ?? null;
  }
}

/** The answer of a fault that answers by itself. */
export function faultReply(fault: Extract<HttpFault, { kind: 'answer' | 'html' }>): Reply {
  if (fault.kind === 'html') {
    const page = `<html><head><title>${fault.status}</title></head><body><h1>Error ${fault.status}</h1></body></html>`;
    return { status: fault.status, headers: { 'content-type': 'text/html' }, body: page };
  }
  const isText = typeof fault.body === 'string';
  return {
    status: fault.status,
    headers: { 'content-type': isText ? 'text/plain' : 'application/json', ...fault.headers },
    body: isText ? fault.body : JSON.stringify(fault.body ?? {}),
  };
}
