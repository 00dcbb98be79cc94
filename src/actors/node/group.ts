/**
 * How a node gets the other machines of its group, and is rid of them (reference 9, DESIGN 3). Their rows are made here,
 * each has an actor of its own beneath the node, and the node goes on when all of them are ready: all or nothing. One
 * that is lost is replaced when its server is gone, so that a group never takes more room than it was granted.
 */
import { Fault } from '../../domain/fault.js';
import type { SubnodeId } from '../../domain/ids.js';
import type { NodeRow, SubnodeRow } from '../../domain/node-row.js';
import { newTagLike } from '../../domain/tag.js';
import type { Ref } from '../../runtime/actor.js';
import { subnodesActor, type SubnodesMessage } from '../subnodes.js';
import type { SubnodeTold } from '../subnode.js';
import { failed } from './launch.js';
import { need } from './names.js';
import { change, whereabouts, type NodeContext, type Self } from './self.js';

/** Looks how far the group is, and begins what is missing of it. */
export async function proceedGroup(node: Self, ctx: NodeContext): Promise<void> {
  const wanted = (node.home.row.groupSize ?? 1) - 1;
  await dropSurplus(wanted, node);
  const { row, settings } = node.home;
  const ready = row.subnodes.filter(({ state }) => state === 'ready').length;
  if (ready >= wanted) {
    ctx.cancelTimer('group is late');
    await change(node, ctx, now => (isWaiting(now) ? { step: 'files', stepAt: ctx.now() } : null));
    ctx.self.tell({ type: 'proceed' });
    return;
  }
  const trouble = whyGivenUp(node, ready, ctx.now());
  if (trouble) {
    ctx.cancelTimer('group is late');
    await failed(trouble, {}, node, ctx);
    ctx.self.tell({ type: 'proceed' });
    return;
  }
  ctx.timer('group is late', lateAt(row, settings.timings.subnodeWait) - ctx.now(), { type: 'proceed' });
  const missing = wanted - row.subnodes.length;
  if (missing > 0) await addRows(missing, node, ctx);
  startSubnodes(node, ctx);
}

const isWaiting = ({ state, step }: NodeRow): boolean => state === 'building' && step === 'group';

function lateAt({ stepAt, stateTime }: NodeRow, subnodeWaitMs: number): number {
  return (stepAt ?? stateTime * 1000) + subnodeWaitMs;
}

/** A group that is late, or whose machines fail again and again, is given up as a whole. */
function whyGivenUp({ home: { row, settings }, lostSubnodes }: Self, ready: number, now: number): Fault | null {
  const count = `${ready} of ${(row.groupSize ?? 1) - 1} subnodes are ready`;
  if (now >= lateAt(row, settings.timings.subnodeWait)) {
    return new Fault('cloud.launch-timeout', `only ${count} in time`);
  }
  const { launchRetries } = need(row, settings).provider;
  if (lostSubnodes <= launchRetries) return null;
  const last = row.subnodes.find(({ lastError }) => lastError !== null)?.lastError ?? null;
  const why = last === null ? '' : `: ${last}`;
  return new Fault('cloud.server-error', `${lostSubnodes} launches of its subnodes failed, ${count}${why}`);
}

async function addRows(count: number, node: Self, ctx: NodeContext): Promise<void> {
  const { home } = node;
  const { row, outside } = home;
  const { tag } = row;
  if (tag === null) throw new Error(`node ${row.id} has a group and no tag`);
  const tags = Array.from({ length: count }, () => newTagLike(tag, () => ctx.random()));
  // If the answer is lost the row says whether they are there.
  node.isRowSure = false;
  const added = await outside.store.shared.insertSubnodes(row.id, tags);
  node.isRowSure = true;
  home.row = { ...home.row, subnodes: [...home.row.subnodes, ...added] };
}

/** An insertion that was given up, and took effect after it was repeated, leaves rows of machines that nobody began. */
async function dropSurplus(wanted: number, { home }: Self): Promise<void> {
  const count = home.row.subnodes.length - wanted;
  if (count <= 0) return;
  const unbegun = home.row.subnodes.filter(({ step, sentAt }) => step === 'queued' && sentAt === null);
  for (const { id } of unbegun.slice(-count)) {
    await home.outside.store.shared.deleteSubnode(id);
    home.row = { ...home.row, subnodes: home.row.subnodes.filter(each => each.id !== id) };
  }
}

/** Each row that has still something to do has its actor. */
function startSubnodes(node: Self, ctx: NodeContext): void {
  const { row } = node.home;
  node.subnodes ??= ctx.spawn(subnodesActor, 'subnodes', ctx.self);
  for (const subnode of row.subnodes) {
    if (subnode.state !== 'ready' || row.state === 'delete') adopt(subnode, node.subnodes, node, ctx);
  }
}

function adopt(row: SubnodeRow, subnodes: Ref<SubnodesMessage>, { home }: Self, ctx: NodeContext): void {
  const { outside, settings, shell } = home;
  const subnode = { row, node: () => home.row, owner: ctx.self, outside, settings, shell };
  ctx.tell(subnodes, { type: 'adopt', home: subnode });
}

/** The group is not whole yet: one machine of it goes by itself, and another one is made. */
export function replaceMember(
  { id, why }: { readonly id: SubnodeId; readonly why: string },
  node: Self,
  ctx: NodeContext,
): void {
  const row = node.home.row.subnodes.find(subnode => subnode.id === id);
  if (!row) return;
  node.subnodes ??= ctx.spawn(subnodesActor, 'subnodes', ctx.self);
  adopt(row, node.subnodes, node, ctx);
  ctx.tell(node.subnodes, { type: 'server-gone', id, why });
}

/** What a subnode's actor has written, as the node's row shows it. */
export function noteSubnode(told: Exclude<SubnodeTold, { readonly type: 'subnode-lost' }>, node: Self): void {
  const { home } = node;
  const others = home.row.subnodes.filter(({ id }) => id !== told.row.id);
  if (told.type === 'subnode-gone') {
    home.row = { ...home.row, subnodes: others };
    return;
  }
  const before = home.row.subnodes.find(({ id }) => id === told.row.id);
  if (!before || before.revision > told.row.revision) return;
  if (before.state !== 'delete' && told.row.state === 'delete' && home.row.state !== 'delete') {
    if (before.state === 'building') node.lostSubnodes++;
    const line = `node ${home.row.id}: subnode ${told.row.id} is lost: ${told.row.lastError ?? ''}`;
    home.outside.log.warn(line, whereabouts(home.row));
  }
  home.row = { ...home.row, subnodes: [...others, told.row].sort((a, b) => a.id - b.id) };
}

/** True as long as the node has subnodes: each is told to go. */
export function removesSubnodes(node: Self, ctx: NodeContext): boolean {
  if (node.home.row.subnodes.length === 0) return false;
  startSubnodes(node, ctx);
  if (node.subnodes) ctx.tell(node.subnodes, { type: 'remove-all' });
  return true;
}
