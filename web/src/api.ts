/** How the page asks the daemon. Reads go as the browser sends them; changes carry the write token. */
import { signal } from '@preact/signals';

/** Kept in memory alone: a reload of the page forgets it. */
export const token = signal<string | null>(null);

/** What the daemon says when something cannot be done (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  /** What to do. */
  readonly next: string | null;

  constructor(status: number, detail: string, next: string | null) {
    super(detail);
    this.status = status;
    this.next = next;
  }
}

const answerMs = 15_000;

export async function get<View>(path: string): Promise<View> {
  return (await answer(await fetch(`api/v1/${path}`, { signal: AbortSignal.timeout(answerMs) }))) as View;
}

/** Not below `api/v1`, and an answer also when it is not ready. */
export async function getReadiness<View>(): Promise<View> {
  const response = await fetch('readyz', { signal: AbortSignal.timeout(answerMs) });
  return (response.status === 503 ? await response.json() : await answer(response)) as View;
}

export async function send(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
  const headers: Record<string, string> = { authorization: `Bearer ${token.value ?? ''}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(`api/v1/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer(response);
}

async function answer(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const { detail, next } = (body ?? {}) as { detail?: string; next?: string };
  throw new Problem(response.status, detail ?? `the daemon answered with status ${response.status}`, next ?? null);
}
