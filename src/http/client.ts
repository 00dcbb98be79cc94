/** The control API from the other side: what the command line asks the daemon, over its Unix socket. */
import type { IncomingMessage } from 'node:http';
import type { ImageName } from '../domain/snapshot-row.js';
import type {
  AlienImageView,
  AliensView,
  AlienServerView,
  CommandOutcome,
  ControlApi,
  ExplainQuery,
  ExplainView,
  HistoryView,
  ImageOutcome,
  ImageStatusView,
  ImageView,
  JobOutcome,
  JobView,
  NodePage,
  NodeStoryView,
  NodeView,
  PlanView,
  PoolEvent,
  ProviderView,
  ReadinessView,
  ReloadOutcome,
  TreeView,
} from '../ports/control.js';
import { ControlError } from './control-error.js';
import { bodyOf, requestOverSocket } from './socket-request.js';

/** No daemon answers on the socket. */
export class DaemonUnreachable extends Error {
  override readonly name = 'DaemonUnreachable';
  readonly next: string;

  constructor(message: string, next: string, cause: unknown) {
    super(message, { cause });
    this.next = next;
  }
}

/** The daemon answers everything under deadlines of its own; this one is only for a daemon that hangs. */
const answerMs = 60_000;
/** The stream's heartbeat comes every 15 s. */
const silenceMs = 60_000;
/** A list of 100 000 nodes is some 40 MB. */
const answerBytesMax = 128 * 1024 * 1024;
const eventBytesMax = 1024 * 1024;

/** Waits for a while before the stream is asked for again; false: no more. `failures`: in a row. */
export type AgainAfter = (failures: number) => Promise<boolean>;

interface Frame {
  readonly id: string | null;
  /** Null: it says only where the stream is. */
  readonly event: PoolEvent | null;
}

export class ControlClient implements Omit<ControlApi, 'subscribe'> {
  readonly socket: string;
  readonly #closed = new AbortController();

  constructor(socket: string) {
    this.socket = socket;
  }

  async health(): Promise<{ readonly version: string }> {
    return expectObject<{ version: string }>(await this.#json('GET', '/healthz'));
  }

  async tree(path: string): Promise<TreeView | null> {
    const { status, body } = await this.#ask('GET', `/api/v1/tree?path=${encodeURIComponent(path)}`);
    if (status === 404) return null;
    return expectObject<TreeView>(expectSuccess(status, body));
  }

  async nodes({ after, limit }: NodePage = {}): Promise<readonly NodeView[]> {
    const query = [
      ...(after === undefined ? [] : [`after=${after}`]),
      ...(limit === undefined ? [] : [`limit=${limit}`]),
    ];
    return expectArray<NodeView>(await this.#json('GET', `/api/v1/nodes?${query.join('&')}`));
  }

  async node(id: number): Promise<NodeStoryView | null> {
    const { status, body } = await this.#ask('GET', `/api/v1/nodes/${id}`);
    if (status === 404) return null;
    return expectObject<NodeStoryView>(expectSuccess(status, body));
  }

  async providers(): Promise<readonly ProviderView[]> {
    return expectArray<ProviderView>(await this.#json('GET', '/api/v1/providers'));
  }

  async history(after: number | null): Promise<HistoryView> {
    const query = after === null ? '' : `?after=${after}`;
    return expectObject<HistoryView>(await this.#json('GET', `/api/v1/history${query}`));
  }

  alienServers(provider: string | null): Promise<AliensView<AlienServerView> | null> {
    return this.#aliens('servers', provider);
  }

  alienImages(provider: string | null): Promise<AliensView<AlienImageView> | null> {
    return this.#aliens('images', provider);
  }

  async #aliens<View>(what: string, provider: string | null): Promise<AliensView<View> | null> {
    const query = provider === null ? '' : `?provider=${encodeURIComponent(provider)}`;
    const { status, body } = await this.#ask('GET', `/api/v1/aliens/${what}${query}`);
    if (status === 404) return null;
    return expectObject<AliensView<View>>(expectSuccess(status, body));
  }

  async explain(about: ExplainQuery): Promise<ExplainView | null> {
    const query = Object.entries(about).map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`);
    const { status, body } = await this.#ask('GET', `/api/v1/explain?${query.join('&')}`);
    if (status === 404) return null;
    return expectObject<ExplainView>(expectSuccess(status, body));
  }

  async images(): Promise<readonly ImageView[]> {
    return expectArray<ImageView>(await this.#json('GET', '/api/v1/images'));
  }

  async imageStatus({ provider, image }: ImageName): Promise<ImageStatusView | null> {
    const query = `provider=${encodeURIComponent(provider)}&image=${encodeURIComponent(image)}`;
    const { status, body } = await this.#ask('GET', `/api/v1/images/status?${query}`);
    if (status === 404) return null;
    return expectObject<ImageStatusView>(expectSuccess(status, body));
  }

  async updateImage(image: ImageName): Promise<ImageOutcome> {
    return this.#imageCommand('POST', '/api/v1/images/build', image);
  }

  async deleteImage(id: number): Promise<ImageOutcome> {
    return this.#imageCommand('DELETE', `/api/v1/images/${id}`);
  }

  async pauseImage(image: ImageName, isPaused: boolean): Promise<ImageOutcome> {
    return this.#imageCommand('POST', '/api/v1/images/pause', { ...image, isPaused });
  }

  async hold(id: number, options: { reason: string | null; forMs: number | null }): Promise<CommandOutcome> {
    return this.#command('POST', `/api/v1/nodes/${id}/hold`, options);
  }

  async release(id: number): Promise<CommandOutcome> {
    return this.#command('POST', `/api/v1/nodes/${id}/release`);
  }

  async delete(id: number, options: { now: boolean }): Promise<CommandOutcome> {
    return this.#command('DELETE', `/api/v1/nodes/${id}${options.now ? '?now=1' : ''}`);
  }

  async restart(path: string): Promise<CommandOutcome> {
    return this.#command('POST', '/api/v1/restart', { path });
  }

  async reload(): Promise<ReloadOutcome> {
    const { status, body } = await this.#ask('POST', '/api/v1/reload');
    if (status === 422) return { kind: 'refused', ...expectObject<{ problems: readonly string[] }>(body) };
    if (status === 500) return { kind: 'failed', message: refusal(status, body).message };
    type Done = { readonly changes: readonly string[]; readonly problems: readonly string[] };
    return { kind: 'done', ...expectObject<Done>(expectSuccess(status, body)) };
  }

  async tune(provider: string, wish: { key: string; value: number }): Promise<CommandOutcome> {
    return this.#command('POST', `/api/v1/providers/${encodeURIComponent(provider)}/tune`, wish);
  }

  async jobs(): Promise<readonly JobView[]> {
    return expectArray<JobView>(await this.#json('GET', '/api/v1/jobs'));
  }

  async createJob(job: { name: string; holdOnFailure: number }): Promise<JobOutcome> {
    return this.#jobCommand('POST', '/api/v1/jobs', job);
  }

  async deleteJob(id: number): Promise<JobOutcome> {
    return this.#jobCommand('DELETE', `/api/v1/jobs/${id}`);
  }

  async plan(demand: Readonly<Record<string, number>>, file: string | null): Promise<PlanView> {
    if (file !== null) {
      const { status, body } = await this.#ask('POST', '/api/v1/plan', { demand, file });
      return expectObject<PlanView>(expectSuccess(status, body));
    }
    const query = Object.entries(demand).map(([label, count]) => `demand=${encodeURIComponent(`${label}=${count}`)}`);
    return expectObject<PlanView>(await this.#json('GET', `/api/v1/plan?${query.join('&')}`));
  }

  async readiness(): Promise<ReadinessView> {
    const { status, body } = await this.#ask('GET', '/readyz');
    const isView = status === 503 && typeof body === 'object' && body !== null && 'ready' in body;
    return expectObject<ReadinessView>(isView ? body : expectSuccess(status, body));
  }

  async metrics(): Promise<string> {
    const response = await this.#request('GET', '/metrics');
    const text = await this.#read(response);
    if (response.statusCode !== 200) throw refusal(statusOf(response), parse(text));
    return text;
  }

  /** Every event from now on, until the signal aborts; then it ends quietly. */
  async *events(signal: AbortSignal): AsyncGenerator<PoolEvent, void, undefined> {
    for await (const { event } of this.#frames(signal, null)) if (event !== null) yield event;
  }

  /**
   * The same, but a stream that breaks is taken up again where it was, for as long as `again` says so; a daemon that does
   * not answer at first is told at once. What the daemon has no more begins with `stream.gap`.
   */
  async *resumedEvents(signal: AbortSignal, again: AgainAfter): AsyncGenerator<PoolEvent, void, undefined> {
    let lastId: string | null = null;
    let isFirst = true;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const { event, id } of this.#frames(signal, lastId)) {
          isFirst = false;
          failures = 0;
          lastId = id ?? lastId;
          if (event !== null) yield event;
        }
      } catch (error) {
        if (isFirst || !(error instanceof DaemonUnreachable)) throw error;
      }
      if (signal.aborted || !(await again(failures))) return;
    }
  }

  async *#frames(signal: AbortSignal, lastId: string | null): AsyncGenerator<Frame, void, undefined> {
    try {
      const headers = lastId === null ? {} : { 'last-event-id': lastId };
      const response = await this.#request('GET', '/api/v1/events', { signal, headers });
      if (response.statusCode !== 200) throw refusal(statusOf(response), parse(await this.#read(response)));
      yield* this.#follow(response);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** What is still asked fails. */
  async close(): Promise<void> {
    this.#closed.abort();
  }

  async *#follow(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
    const decoder = new TextDecoder();
    let unread = '';
    try {
      for await (const chunk of body) {
        const frames = (unread + decoder.decode(chunk, { stream: true })).split('\n\n');
        unread = frames.pop() ?? '';
        if (unread.length > eventBytesMax) throw new ControlError('the daemon sent an event without an end');
        for (const frame of frames) {
          const data = /^data: (.*)$/m.exec(frame)?.[1];
          const id = /^id: (\d+)$/m.exec(frame)?.[1] ?? null;
          yield { id, event: data === undefined ? null : expectObject<PoolEvent>(parse(data)) };
        }
      }
    } catch (error) {
      throw error instanceof ControlError ? error : unreachable(this.socket, error);
    }
  }

  #command(method: 'POST' | 'DELETE', path: string, json?: unknown): Promise<CommandOutcome> {
    return this.#order<{ node: NodeView | null }>(method, path, json);
  }

  #jobCommand(method: 'POST' | 'DELETE', path: string, json?: unknown): Promise<JobOutcome> {
    return this.#order<{ job: JobView }>(method, path, json);
  }

  #imageCommand(method: 'POST' | 'DELETE', path: string, json?: unknown): Promise<ImageOutcome> {
    return this.#order<{ image: ImageView | null }>(method, path, json);
  }

  /** What was done comes with `Done`; why it was not with a message. */
  async #order<Done extends object>(
    method: 'POST' | 'DELETE',
    path: string,
    json?: unknown,
  ): Promise<(Done & { readonly kind: 'done' }) | Exclude<CommandOutcome, { kind: 'done' }>> {
    const { status, body } = await this.#ask(method, path, json);
    switch (status) {
      case 200:
        return { kind: 'done', ...expectObject<Done>(body) };
      case 404:
        return { kind: 'not-found', ...notDone(status, body) };
      case 409:
        return { kind: 'refused', ...notDone(status, body) };
      case 500:
        return { kind: 'failed', message: refusal(status, body).message };
      default:
        throw refusal(status, body);
    }
  }

  async #json(method: 'GET', path: string): Promise<unknown> {
    const { status, body } = await this.#ask(method, path);
    return expectSuccess(status, body);
  }

  async #ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    json?: unknown,
  ): Promise<{ status: number; body: unknown }> {
    const response = await this.#request(method, path, json === undefined ? {} : { json });
    return { status: statusOf(response), body: parse(await this.#read(response)) };
  }

  async #request(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options: { json?: unknown; signal?: AbortSignal; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<IncomingMessage> {
    const { json, signal, headers = {} } = options;
    try {
      return await requestOverSocket({
        socket: this.socket,
        method,
        path,
        json,
        headers,
        signal: signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, signal]),
        silenceMs: signal === undefined ? answerMs : silenceMs,
      });
    } catch (error) {
      throw unreachable(this.socket, error);
    }
  }

  async #read(response: IncomingMessage): Promise<string> {
    try {
      return await bodyOf(response, answerBytesMax);
    } catch (error) {
      throw unreachable(this.socket, error);
    }
  }
}

/** Every answer has one; the type is for requests, too. */
function statusOf({ statusCode }: IncomingMessage): number {
  return statusCode ?? 0;
}

function unreachable(socket: string, cause: unknown): DaemonUnreachable {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ENOENT':
      return new DaemonUnreachable(
        `no daemon: there is no socket at ${socket}`,
        'start nodepoold, or name its socket with --socket',
        cause,
      );
    case 'ECONNREFUSED':
      return new DaemonUnreachable(
        `no daemon listens on ${socket}`,
        'start nodepoold; its last run left the socket behind',
        cause,
      );
    case 'EACCES':
    case 'EPERM':
      return new DaemonUnreachable(
        `this user may not open ${socket}`,
        "run as the daemon's user or join its group",
        cause,
      );
    default:
      return new DaemonUnreachable(
        `the daemon at ${socket} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
        'look at its log; it may hang or be stopping',
        cause,
      );
  }
}

function expectSuccess(status: number, body: unknown): unknown {
  if (status !== 200) throw refusal(status, body);
  return body;
}

function notDone(status: number, body: unknown): { readonly message: string; readonly next: string } {
  const { message, next } = refusal(status, body);
  return { message, next: next ?? 'see the log of nodepoold' };
}

function refusal(status: number, body: unknown): ControlError {
  const { detail, next } = isObject(body) ? body : {};
  const message = typeof detail === 'string' ? detail : `the daemon answered with status ${status}`;
  return new ControlError(message, { status, next: typeof next === 'string' ? next : null });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ControlError('what answers on the socket is not nodepoold', { next: 'check --socket', cause });
  }
}

/** The daemon is of the same release as its client: the outer shape tells it from a stranger, and that is enough. */
function expectObject<View>(body: unknown): View {
  if (!isObject(body))
    throw new ControlError('what answers on the socket is not nodepoold', { next: 'check --socket' });
  return body as View;
}

function expectArray<View>(body: unknown): readonly View[] {
  if (!Array.isArray(body)) {
    throw new ControlError('what answers on the socket is not nodepoold', { next: 'check --socket' });
  }
  return body as readonly View[];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
