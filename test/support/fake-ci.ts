/**
 * A Jenkins master in memory, in the time of the clock that it is given. It keeps the promises of the port: the
 * contract suite runs over it.
 */
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import { nodeName, type NodeName } from '../../src/domain/ids.js';
import type { CiCall, CiNode, CiNodeSpec, CiPort, CiStatus } from '../../src/ports/ci.js';
import { systemClock, type Clock } from '../../src/runtime/clock.js';

export type CiOp = Exclude<keyof CiPort, 'close'>;

/** What befalls one call. */
export type CallTrouble =
  /** Fails, without effect. */
  | Fault
  /** Takes effect, and fails all the same. */
  | { readonly loseReply: Fault }
  /** Takes effect at once, and is answered so much later. */
  | { readonly answerAfterMs: number }
  /** Takes so long; beyond the deadline the caller gets a timeout, and the effect comes late. */
  | { readonly delayMs: number }
  /** No effect, and a timeout at the deadline. */
  | 'hang';

export interface FakeSlave {
  readonly spec: CiNodeSpec;
  offline: boolean;
  /** The reason given, or null while it is not set offline. */
  offlineReason: string | null;
  idle: boolean;
}

export interface RecordedCiCall {
  readonly op: CiOp;
  readonly atMs: number;
  readonly name: NodeName | null;
}

export interface FakeCiOptions {
  readonly clock?: Pick<Clock, 'now' | 'after'>;
  /** Of each call. */
  readonly latencyMs?: number;
}

const ops: readonly CiOp[] = [
  'status',
  'createNode',
  'deleteNode',
  'nodeExists',
  'nodeDescription',
  'listNodes',
  'setOffline',
  'relabel',
  'startTestJob',
];

export class FakeCi implements CiPort {
  quietingDown = false;
  version: string | null = '1.565.3';
  session: string | null = 'session-1';
  latencyMs: number;
  isClosed = false;
  readonly slaves = new Map<NodeName, FakeSlave>();
  readonly calls: RecordedCiCall[] = [];
  /** Slaves that were deleted while they ran something. */
  readonly killed: NodeName[] = [];
  /** Test jobs asked for, in order; one that waits already is not asked for twice. */
  readonly testJobs: { readonly job: string; readonly name: NodeName }[] = [];
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #troubles = new Troubles<CiOp>();

  constructor(options: FakeCiOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.latencyMs = options.latencyMs ?? 0;
  }

  /** The next call of this kind meets this trouble; several are met in order. */
  next(op: CiOp, ...troubles: CallTrouble[]): void {
    this.#troubles.next(op, ...troubles);
  }

  /** Every call of this kind meets it, after those of `next`, until null. */
  always(op: CiOp | readonly CiOp[], trouble: CallTrouble | null): void {
    for (const one of typeof op === 'string' ? [op] : op) this.#troubles.always(one, trouble);
  }

  /** All calls fail, as of a master that is away; null brings it back. */
  down(kind: FaultKind | null = 'jenkins.unreachable'): void {
    this.always(ops, kind === null ? null : new Fault(kind, 'the fake master is down'));
  }

  /** What else befalls a call, of its own accord. */
  set whim(whim: (op: CiOp) => CallTrouble | null) {
    this.#troubles.whim = whim;
  }

  /** As after a restart of the master: its slaves are kept. */
  restart(): void {
    this.session = `${this.session ?? 'session'}+`;
    for (const slave of this.slaves.values()) slave.idle = true;
  }

  callsOf(op: CiOp): readonly RecordedCiCall[] {
    return this.calls.filter(call => call.op === op);
  }

  /** Whether an executor of the slave is taken; throws where there is no such slave. */
  setBusy(name: NodeName, isBusy = true): void {
    const slave = this.slaves.get(name);
    if (slave === undefined) throw new Error(`the fake master has no slave ${name}`);
    slave.idle = !isBusy;
  }

  /** A slave that the pool did not make. */
  addForeign(name: string, host = '198.51.100.1', description = ''): void {
    const spec = { name: nodeName(name), description, labels: null, host, sshPort: 22, remoteRoot: '/' };
    this.#add({ ...spec, username: 'jenkins', privateKeyFile: '', hostKey: null });
  }

  status(call: CiCall): Promise<CiStatus> {
    return this.#call('status', null, call, () => ({
      quietingDown: this.quietingDown,
      version: this.version,
      session: this.session,
    }));
  }

  createNode(spec: CiNodeSpec, call: CiCall): Promise<void> {
    return this.#call('createNode', spec.name, call, () => {
      if (this.slaves.get(spec.name)?.spec.host !== spec.host) this.#add(spec);
    });
  }

  deleteNode(name: NodeName, call: CiCall): Promise<void> {
    return this.#call('deleteNode', name, call, () => {
      if (this.slaves.get(name)?.idle === false) this.killed.push(name);
      this.slaves.delete(name);
    });
  }

  nodeExists(name: NodeName, call: CiCall): Promise<boolean> {
    return this.#call('nodeExists', name, call, () => this.slaves.has(name));
  }

  nodeDescription(name: NodeName, call: CiCall): Promise<string | null> {
    return this.#call('nodeDescription', name, call, () => this.slaves.get(name)?.spec.description ?? null);
  }

  listNodes(call: CiCall): Promise<readonly CiNode[]> {
    return this.#call('listNodes', null, call, () =>
      [...this.slaves].map(([name, slave]) => ({
        name,
        offline: slave.offline || slave.offlineReason !== null,
        temporarilyOffline: slave.offlineReason !== null,
        offlineReason: slave.offlineReason,
        idle: slave.idle,
      })),
    );
  }

  setOffline(name: NodeName, reason: string, call: CiCall): Promise<boolean> {
    return this.#call('setOffline', name, call, () => {
      const slave = this.slaves.get(name);
      if (slave !== undefined) slave.offlineReason = reason;
      return slave !== undefined;
    });
  }

  relabel(name: NodeName, labels: string, call: CiCall): Promise<void> {
    return this.#call('relabel', name, call, () => {
      const slave = this.slaves.get(name);
      if (slave === undefined) throw new Fault('jenkins.refused', `the fake master has no slave ${name}`);
      this.slaves.set(name, { ...slave, spec: { ...slave.spec, labels } });
    });
  }

  startTestJob(job: string, name: NodeName, call: CiCall): Promise<void> {
    return this.#call('startTestJob', name, call, () => {
      if (!this.testJobs.some(each => each.job === job && each.name === name)) this.testJobs.push({ job, name });
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #add(spec: CiNodeSpec): void {
    this.slaves.set(spec.name, { spec, offline: false, offlineReason: null, idle: true });
  }

  #call<T>(op: CiOp, name: NodeName | null, call: CiCall, effect: () => T): Promise<T> {
    this.calls.push({ op, name, atMs: this.#clock.now() });
    return this.#troubles.perform({
      op,
      call,
      effect,
      clock: this.#clock,
      latencyMs: this.latencyMs,
      timeout: 'jenkins.timeout',
      refusal: this.isClosed ? new Fault('jenkins.unreachable', `${op}: the fake master was closed`) : null,
    });
  }
}

interface Performance<Op, T> {
  readonly op: Op;
  readonly call: { readonly deadlineMs: number; readonly signal?: AbortSignal };
  readonly effect: () => T;
  readonly clock: Pick<Clock, 'after'>;
  readonly latencyMs: number;
  readonly timeout: FaultKind;
  /** Fails without latency or effect. */
  readonly refusal: Fault | null;
}

/** The script of a fake's coming calls, and how one goes. */
export class Troubles<Op extends string> {
  /** What befalls a call of which nothing was said. */
  whim: (op: Op) => CallTrouble | null = () => null;
  readonly #next = new Map<Op, CallTrouble[]>();
  readonly #always = new Map<Op, CallTrouble>();

  next(op: Op, ...troubles: CallTrouble[]): void {
    this.#next.set(op, [...(this.#next.get(op) ?? []), ...troubles]);
  }

  always(op: Op, trouble: CallTrouble | null): void {
    if (trouble === null) this.#always.delete(op);
    else this.#always.set(op, trouble);
  }

  async perform<T>({ op, call, effect, clock, latencyMs, timeout, refusal }: Performance<Op, T>): Promise<T> {
    const trouble = this.#next.get(op)?.shift() ?? this.#always.get(op) ?? this.whim(op);
    if (refusal !== null) throw refusal;
    const takesMs = trouble === 'hang' ? Infinity : isDelay(trouble) ? trouble.delayMs : latencyMs;
    if (takesMs > call.deadlineMs && takesMs !== Infinity) clock.after(takesMs, () => unheard(effect));
    await pass(
      clock,
      Math.min(takesMs, call.deadlineMs),
      call.signal,
      () => new Fault(timeout, `${op}: the caller gave up`),
    );
    if (takesMs > call.deadlineMs) throw new Fault(timeout, `${op}: no answer within ${call.deadlineMs} ms`);
    if (trouble instanceof Fault) throw copyOf(trouble);
    const result = effect();
    if (trouble !== null && typeof trouble === 'object' && 'loseReply' in trouble) throw copyOf(trouble.loseReply);
    if (trouble !== null && typeof trouble === 'object' && 'answerAfterMs' in trouble) {
      await new Promise<void>(resolve => void clock.after(trouble.answerAfterMs, resolve));
    }
    return result;
  }
}

/** The caller has given up: a refusal is told to nobody. */
function unheard(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

function isDelay(trouble: CallTrouble | null): trouble is { readonly delayMs: number } {
  return trouble !== null && typeof trouble === 'object' && 'delayMs' in trouble;
}

async function pass(
  clock: Pick<Clock, 'after'>,
  ms: number,
  signal: AbortSignal | undefined,
  aborted: () => Fault,
): Promise<void> {
  if (signal?.aborted === true) throw aborted();
  if (ms === 0) return;
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(aborted());
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Each caller gets a fault of its own, with its own stack. */
function copyOf(fault: Fault): Fault {
  return new Fault(fault.kind, fault.message, { cause: fault, retryAfterMs: fault.retryAfterMs });
}
