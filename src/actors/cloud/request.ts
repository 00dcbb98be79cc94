/**
 * The calls that need nothing of a cloud actor but their turn, their pace and their deadline: asked by the name of the
 * port's method, answered with what it resolves to.
 */
import { quotaRefused } from '../../domain/cloud-breaker.js';
import type { Whose } from '../call-made.js';
import type { CallOptions, CloudPort } from '../../ports/cloud.js';
import type { AskOutcome, ReplyTo, TaskIo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import { replyOf } from '../outcome.js';
import { enqueue, inTurn } from './calls.js';
import { readQuota } from './capacity.js';
import type { CloudReply } from './server-waiters.js';
import type { CloudContext, CloudState, Settled } from './state.js';

/** Not those for which the actor has a message of its own: it knows more than one asker does. */
type RequestOp = Exclude<
  keyof CloudPort,
  'close' | 'createServer' | 'listServers' | 'listAddresses' | 'listFlavors' | 'uploadImage'
>;

type ArgsOf<Op extends RequestOp> = Parameters<CloudPort[Op]> extends [...infer Args, CallOptions] ? Args : never;
type ValueOf<Op extends RequestOp> = Awaited<ReturnType<CloudPort[Op]>>;

/** Made by `askCloud` alone, which knows what the method takes and gives. */
export interface CloudRequest {
  readonly type: 'request';
  readonly op: RequestOp;
  readonly args: readonly unknown[];
  readonly whose: Whose | undefined;
  /** So long its answer is waited for. */
  readonly until: number;
  readonly replyTo: ReplyTo<CloudReply<unknown>>;
}

/** Reads may be aborted; of a write nobody could say what became of it. */
const isRead = (op: string): boolean => /^(?:get|list|quota|console)/.test(op);

export function request({ op, args, whose, until, replyTo }: CloudRequest, state: CloudState, ctx: CloudContext): void {
  enqueue(
    {
      name: op,
      place: inTurn(op),
      whose,
      isWrite: !isRead(op),
      until,
      // Hypervisors without consoles refuse it.
      isOptional: op === 'consoleLog',
      run(port, deadlineMs, signal) {
        const methods = port as unknown as Readonly<Record<RequestOp, (...args: unknown[]) => Promise<unknown>>>;
        return methods[op](...args, isRead(op) ? { deadlineMs, signal } : { deadlineMs });
      },
      settled(outcome) {
        if (op === 'createAddress') addressAnswered(outcome, state, ctx);
        replyTo.reply(outcome.ok ? outcome : { ...outcome, wasSent: true });
      },
    },
    state,
    ctx,
  );
}

/** Where servers need addresses, the quota of these is one of servers. */
function addressAnswered(outcome: Settled<unknown>, state: CloudState, ctx: CloudContext): void {
  state.needsAddresses = true;
  if (outcome.ok || outcome.fault.kind !== 'cloud.quota') return;
  state.breaker = quotaRefused(state.breaker, outcome.fault, ctx.now(), ctx.random());
  readQuota(state, ctx);
}

/** Asks a cloud from a task; whatever went wrong is thrown as a fault. The deadline includes the wait for its turn. */
export async function askCloud<Op extends RequestOp>(
  task: TaskIo,
  {
    provider,
    op,
    args,
    whose,
  }: {
    readonly provider: string;
    readonly op: Op;
    readonly args: ArgsOf<Op>;
    /** In whose story it is told. */
    readonly whose?: Whose;
  },
  deadlineMs: number,
): Promise<ValueOf<Op>> {
  const outcome = await task.ask(
    cloudAddress(provider),
    (replyTo: ReplyTo<CloudReply<ValueOf<Op>>>) => ({
      type: 'request' as const,
      op,
      args,
      whose,
      until: task.now() + deadlineMs,
      replyTo: replyTo as ReplyTo<CloudReply<unknown>>,
    }),
    deadlineMs,
  );
  return cloudValue(outcome);
}

export function cloudValue<T>(outcome: AskOutcome<CloudReply<T>>): T {
  const reply = replyOf(outcome);
  if (!reply.ok) throw reply.fault;
  return reply.value;
}
