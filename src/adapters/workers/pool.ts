/**
 * The worker threads of one provider: started at the first call, ended after half a minute without one, replaced when
 * their number changes. A call is never ended by ending its thread; a thread that ends by itself (out of memory) fails
 * the calls that it had, and only those.
 */
import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Piscina } from 'piscina';

import { Fault, type FaultKind } from '../../domain/fault.js';
import { threadEnded, troubleWords } from '../../domain/trouble.js';
import { ENTRY_FUNCTION, type Call, type Op, type Progress, type Reply, type Request, type Result } from './request.js';

/** The actors bound their calls; a queue here would let checks of ten minutes hold up calls of a second. */
const CALLS_PER_THREAD_MAX = 10_000;
/** Longer than any poll, so that a provider in use keeps its threads, its connections and its token. */
const IDLE_MS = 30_000;
/** A list of thousands of servers takes tens of MB; more than this is a cloud gone mad, and ends its own thread only. */
const HEAP_MB_MAX = 256;
/** After its deadline a call may still have to cross back from a thread that is busy. */
const GRACE_MS = 10_000;

export interface PoolOptions {
  readonly threads: number;
  /** The built worker, also when this file is read as TypeScript: threads start faster, and without a loader. */
  readonly entry?: URL;
  readonly idleMs?: number;
}

export interface CallTerms {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
  /** What it is called when the thread ends or stays silent. */
  readonly lost: { readonly ended: FaultKind; readonly silent: FaultKind };
}

export class WorkerPool {
  readonly #entry: URL;
  readonly #idleMs: number;
  #threads: number;
  #generation: Generation | null = null;
  readonly #retiring = new Set<Promise<void>>();
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(options: PoolOptions) {
    this.#threads = threadsOf(options.threads);
    this.#entry = options.entry ?? builtWorker();
    this.#idleMs = options.idleMs ?? IDLE_MS;
  }

  async run<Name extends Op>(call: Extract<Call, { op: Name }>, terms: CallTerms): Promise<Result<Name>> {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    if (this.#generation?.isBroken === true) this.#retire();
    const generation = (this.#generation ??= new Generation(this.#entry, this.#threads));
    try {
      const reply = await generation.run(call, terms);
      if (!reply.ok) throw Fault.fromRecord(reply.fault);
      return reply.value as Result<Name>;
    } finally {
      this.#retireWhenIdle();
    }
  }

  /** Calls in hand go on in the threads they have; the next call starts the new number. */
  resize(threads: number): void {
    if (threadsOf(threads) === this.#threads) return;
    this.#threads = threadsOf(threads);
    this.#retire();
  }

  /** How many threads there are: none before the first call, and none after a while without. */
  get threadCount(): number {
    return this.#generation?.threadCount ?? 0;
  }

  /** After the calls in hand. A later call starts threads again. */
  async close(): Promise<void> {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#retire();
    await Promise.all(this.#retiring);
  }

  #retireWhenIdle(): void {
    if (this.#generation === null || this.#generation.callCount > 0) return;
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      if (this.#generation?.callCount === 0) this.#retire();
    }, this.#idleMs);
    this.#idleTimer.unref();
  }

  #retire(): void {
    if (this.#generation === null) return;
    const retiring = this.#generation.close().finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
    this.#generation = null;
  }
}

/** One set of threads, from its start to the end of its last call. */
class Generation {
  readonly #piscina: Piscina;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #broken = new AbortController();

  constructor(entry: URL, threads: number) {
    // Each call in hand listens to it: that is no leak, however many they are.
    setMaxListeners(0, this.#broken.signal);
    this.#piscina = new Piscina({
      filename: entry.href,
      name: ENTRY_FUNCTION,
      // All of them at once: with fewer, a second thread would start only when the first has CALLS_PER_THREAD_MAX.
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: CALLS_PER_THREAD_MAX,
      maxQueue: CALLS_PER_THREAD_MAX,
      // The default blocks an idle thread's event loop, and with it the news that a kept connection was closed.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      // No loaders or debuggers of the parent.
      execArgv: [],
    });
    // A thread that cannot start (the built worker is missing) leaves its calls waiting: they are told here.
    this.#piscina.on('error', error => {
      this.#broken.abort(error);
    });
  }

  get isBroken(): boolean {
    return this.#broken.signal.aborted;
  }

  get callCount(): number {
    return this.#calls.size;
  }

  get threadCount(): number {
    return this.#piscina.threads.length;
  }

  run(call: Call, terms: CallTerms): Promise<Reply> {
    const running = this.#run(call, terms).finally(() => this.#calls.delete(running));
    this.#calls.add(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    await this.#piscina.destroy();
  }

  async #run(call: Call, terms: CallTerms): Promise<Reply> {
    const wire = wireOf(terms);
    const lost = this.#lost(call, terms);
    const request: Request = { call, deadlineMs: terms.deadlineMs, wire: wire?.port ?? null };
    const transferList = wire === null ? [] : [wire.port];
    try {
      return await Promise.race([this.#piscina.run(request, { transferList }) as Promise<Reply>, lost.promise]);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw endedFault(call, terms, error);
    } finally {
      lost.end();
      wire?.end();
    }
  }

  /** Rejects when the thread cannot answer: it is stuck in a loop, or never started. */
  #lost(call: Call, terms: CallTerms): { readonly promise: Promise<never>; end(): void } {
    let reject: (fault: Fault) => void = () => undefined;
    const promise = new Promise<never>((_, rejectPromise) => {
      reject = rejectPromise;
    });
    const timer = setTimeout(() => {
      reject(new Fault(terms.lost.silent, `${call.op}: the worker thread does not answer`));
    }, terms.deadlineMs + GRACE_MS);
    const onBroken = (): void => {
      reject(endedFault(call, terms, this.#broken.signal.reason));
    };
    if (this.isBroken) onBroken();
    this.#broken.signal.addEventListener('abort', onBroken);
    return {
      promise,
      end: () => {
        clearTimeout(timer);
        this.#broken.signal.removeEventListener('abort', onBroken);
      },
    };
  }
}

/** A port on which the worker hears that the signal was aborted, and tells of progress. */
function wireOf({ signal, onProgress }: CallTerms): { readonly port: MessagePort; end(): void } | null {
  if (signal === undefined && onProgress === undefined) return null;
  const { port1, port2 } = new MessageChannel();
  const onMessage = ({ sentBytes, totalBytes }: Progress): void => onProgress?.(sentBytes, totalBytes);
  port1.on('message', onMessage);
  port1.unref();
  const onAbort = (): void => {
    port1.postMessage('abort');
  };
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return {
    port: port2,
    end: () => {
      signal?.removeEventListener('abort', onAbort);
      // What was told before the answer may still lie here, since the answer came by another port.
      for (let last = receiveMessageOnPort(port1); last !== undefined; last = receiveMessageOnPort(port1)) {
        onMessage(last.message as Progress);
      }
      port1.close();
    },
  };
}

function endedFault(call: Call, terms: CallTerms, error: unknown): Fault {
  return new Fault(terms.lost.ended, `${call.op}: ${threadEnded}: ${troubleWords(error)}`, { cause: error });
}

function threadsOf(wanted: number): number {
  // More threads than this gain nothing, since the calls wait for the network.
  return Math.max(1, Math.min(wanted, 4 * availableParallelism()));
}

function builtWorker(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../../../dist/adapters/workers/worker.js' : './worker.js', import.meta.url);
}
