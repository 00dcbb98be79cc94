/** How a delete goes on: its parts side by side, each tried until it is done, the row last (reference 11). */
import { backoffMs } from '../../domain/backoff.js';
import { areServersGone, mayHaveAddress, partsLeft, stepWithout, type DeletePart } from '../../domain/delete-step.js';
import { Fault, named } from '../../domain/fault.js';
import type { AddressId } from '../../domain/ids.js';
import type { NodePatch, NodeRow } from '../../domain/node-row.js';
import type { ReplyTo, TaskOutcome } from '../../runtime/actor.js';
import { cloudAddress, statsAddress, targetAddress } from '../addresses.js';
import type { CloudReply } from '../cloud.js';
import { findAddresses } from '../cloud/find-addresses.js';
import { findTagged } from '../cloud/find-tagged.js';
import { askCloud, cloudValue } from '../cloud/request.js';
import { waitForList } from '../call-made.js';
import { valueOf, type Reply } from '../outcome.js';
import { asFault } from '../store.js';
import { change, giveBackPermit, hasPermit, leave, stepIo, whereabouts, type NodeContext, type Self } from './self.js';
import { addressDoubt } from './floating-address.js';
import { removesSubnodes } from './group.js';
import type { StepIo } from './step.js';

const retryBackoff = { minMs: 1_000, maxMs: 300_000, factor: 2, jitter: 0.3 };

/** Begins what remains of the delete. A launch step in hand comes first: only it knows what it is making (lesson 2). */
export function proceedDelete(node: Self, ctx: NodeContext): void {
  if (node.step) {
    node.step.cancel();
    return;
  }
  if (node.keptForLease.length > 0) return;
  for (const part of partsLeft(node.home.row.step)) {
    if (node.parts.has(part) || node.resting.has(part)) continue;
    if (part !== 'unregister' && !node.isUrgent && !hasPermit('delete', node, ctx)) continue;
    // The machines of a group go before the one that has its row.
    if (part === 'servers' && removesSubnodes(node, ctx)) continue;
    if (!node.connection.lease) {
      node.connection.want(node.home.row, ctx);
      return;
    }
    node.parts.add(part);
    ctx.task(
      part,
      io => runPart(part, stepIo(node, ctx, io, false)),
      outcome => ({ type: 'part-settled', part, outcome }),
    );
  }
}

function runPart(part: DeletePart, io: StepIo): Promise<NodePatch> {
  switch (part) {
    case 'unregister':
      return unregister(io);
    case 'servers':
      return removeServers(io);
    case 'addresses':
      return removeAddresses(io);
  }
}

async function unregister({ row, task, settings }: StepIo): Promise<NodePatch> {
  const name = row.nodename;
  if (name === null) return {};
  valueOf(
    await task.ask(
      targetAddress(row.target),
      (replyTo: ReplyTo<Reply<null>>) => ({ type: 'unregister' as const, name, node: row.id, replyTo }),
      settings.timings.serverDelete,
    ),
  );
  return {};
}

export async function removeServers(io: StepIo): Promise<NodePatch> {
  const { row, task, settings, whose, telling } = io;
  const server = row.serverId ?? (await findTagged(row, io))?.id ?? null;
  await releaseUnknown({ ...row, serverId: server }, io);
  if (server === null) return {};
  const cloud = cloudAddress(row.provider);
  const { serverDelete } = settings.timings;
  cloudValue(
    await task.ask(
      cloud,
      (replyTo: ReplyTo<CloudReply<null>>) => ({ type: 'delete-server' as const, server, whose, replyTo }),
      serverDelete,
    ),
  );
  const until = task.now() + serverDelete;
  await telling(waitForList, async () =>
    cloudValue(
      await task.ask(
        cloud,
        (replyTo: ReplyTo<CloudReply<null>>) => ({ type: 'await-gone' as const, server, until, replyTo }),
        serverDelete * 2,
      ),
    ),
  );
  return {};
}

/**
 * Addresses that the row does not know by their id, while they still lead to their server: a cloud of 2014 keeps no mark
 * on them, and once the server is gone nothing tells whose they were.
 */
async function releaseUnknown(row: NodeRow, io: StepIo): Promise<void> {
  if (row.addressId !== null || (row.addressSentAt === null && row.tag !== null)) return;
  try {
    await releaseFound(row, io);
  } catch (error) {
    // A network service that is away keeps no server alive: what carries our mark is found later as well.
    if (!(error instanceof Fault) || row.tag === null) throw error;
  }
}

/** Released whether or not it is attached: one that was detached first would belong to nobody (lesson 5). */
export async function removeAddresses(io: StepIo): Promise<NodePatch> {
  const { row } = io;
  if (row.addressId !== null) await release(row.addressId, io);
  else if (mayHaveAddress(row)) await releaseFound(row, io);
  return {};
}

async function releaseFound(row: NodeRow, io: StepIo): Promise<void> {
  for (const { id } of await findAddresses(addressDoubt(row), io)) await release(id, io);
}

async function release(id: AddressId, { row, settings, task, whose }: StepIo): Promise<void> {
  const call = { provider: row.provider, op: 'deleteAddress' as const, whose };
  await askCloud(task, { ...call, args: [id] }, settings.timings.address);
}

export async function partSettled(
  part: DeletePart,
  outcome: TaskOutcome<NodePatch>,
  node: Self,
  ctx: NodeContext,
): Promise<void> {
  if (outcome.ok) await partDone(part, node, ctx);
  else await partFailed(part, outcome.error, node, ctx);
  node.parts.delete(part);
}

async function partDone(part: DeletePart, node: Self, ctx: NodeContext): Promise<void> {
  const { row } = node.home;
  const left = stepWithout(row, part);
  if (left === 'row') {
    const session = node.connection.lease ?? node.home.outside.store.shared;
    await session.deleteNode(row.id);
    deleted(node, ctx);
    return;
  }
  await change(node, ctx, now => ({ step: stepWithout(now, part), stepAt: ctx.now() }));
  node.failures = 0;
  if (areServersGone(node.home.row)) giveBackPermit('delete', node);
}

function deleted(node: Self, ctx: NodeContext): void {
  const { row, settings, outside } = node.home;
  const ms = Math.max(0, ctx.now() - row.stateTime * 1000);
  const image = settings.lastKnown.label(row.label)?.image ?? row.label;
  outside.log.info(`node ${row.id}: deleted`, whereabouts(row));
  ctx.tell(statsAddress, { type: 'timing', key: `nodepool.delete.${image}.${row.provider}.${row.target}`, ms });
  ctx.tell(statsAddress, {
    type: 'happened',
    event: {
      type: 'node.deleted',
      message: `node ${row.id} (${row.nodename ?? 'no name yet'}) is deleted`,
      node: Number(row.id),
      provider: row.provider,
      label: row.label,
      target: row.target,
    },
  });
  leave(node, ctx);
}

/** Tried again for as long as it takes: a row never goes before what it stands for. */
async function partFailed(part: DeletePart, error: unknown, node: Self, ctx: NodeContext): Promise<void> {
  const fault = asFault(error);
  const { row, outside } = node.home;
  node.failures++;
  outside.log.warn(`node ${row.id}: ${part} is tried again: ${fault.message}`, {
    ...whereabouts(row),
    fault: fault.kind,
    next: fault.next,
  });
  if (row.lastError !== named(fault)) await change(node, ctx, () => ({ lastError: named(fault) }));
  node.resting.add(part);
  const restMs = backoffMs(retryBackoff, node.failures, ctx.random());
  node.restsUntil = ctx.now() + restMs;
  ctx.timer(`retry ${part}`, restMs, { type: 'rested', what: part });
}
