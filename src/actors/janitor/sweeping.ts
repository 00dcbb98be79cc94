/**
 * How sweeps go on: each provider is looked at by itself, so that a cloud that is away keeps no other unclean (lesson 13),
 * and the rows are read once for all of them.
 */
import { grouped } from '../../domain/grouped.js';
import type { Installation } from '../../domain/ids.js';
import type { Sight } from '../../domain/leaks.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { nodeAddress, poolAddress, statsAddress } from '../addresses.js';
import type { JanitorContext, JanitorState } from '../janitor.js';
import { lookAt } from '../cloud/sight.js';
import {
  clean,
  indexOf,
  judge,
  kindsToLookAt,
  nothingSwept,
  type Cleaned,
  type RowIndex,
  type Rows,
  type Seen,
  type Sweeping,
} from './sweep.js';

export interface Looked {
  readonly type: 'looked';
  readonly provider: string;
  readonly before: Rows;
  readonly outcome: TaskOutcome<Sight>;
}

export interface CleanedUp {
  readonly type: 'cleaned';
  readonly provider: string;
  readonly outcome: TaskOutcome<Cleaned>;
}

/** Asks the clouds of the configuration, and those that only rows name. */
export function lookAround(state: JanitorState, ctx: JanitorContext): void {
  const { settings, rows, sweepings, awaited } = state;
  const nodes = grouped(rows?.nodes ?? [], ({ provider }) => provider);
  const snapshots = grouped(rows?.snapshots ?? [], ({ provider }) => provider);
  for (const provider of providersOf(state)) {
    const sweeping = sweepings.get(provider) ?? nothingSwept();
    sweepings.set(provider, sweeping);
    if (sweeping.isUnderWay) continue;
    sweeping.isUnderWay = true;
    awaited.add(provider);
    const kinds = kindsToLookAt(provider, sweeping, settings);
    const own = { nodes: nodes.get(provider) ?? [], snapshots: snapshots.get(provider) ?? [] };
    const before = { ...own, unread: rows?.unread ?? new Set<string>() };
    ctx.task(
      `look at ${provider}`,
      task => lookAt(provider, kinds, task),
      outcome => ({ type: 'looked', provider, before, outcome }),
    );
  }
}

function providersOf({ settings, rows }: JanitorState): ReadonlySet<string> {
  const inRows = [...(rows?.nodes ?? []), ...(rows?.snapshots ?? [])];
  return new Set([...settings.config.providers.map(({ name }) => name), ...inRows.map(({ provider }) => provider)]);
}

/** Kept until the rows have been read. */
export function looked({ provider, before, outcome }: Looked, { sweepings, awaited }: JanitorState): void {
  awaited.delete(provider);
  const sweeping = sweepings.get(provider);
  if (!sweeping) return;
  if (outcome.ok) sweeping.seen = { before, sight: outcome.value };
  else sweeping.isUnderWay = false;
}

/** Compares what was seen with the rows, which were read just now. */
export function sweep(rows: Rows, state: JanitorState, ctx: JanitorContext): void {
  const { sweepings, installation } = state;
  const providers = providersOf(state);
  const index = indexOf(rows);
  for (const [provider, sweeping] of sweepings) {
    const { seen } = sweeping;
    if (seen !== null) {
      sweeping.seen = null;
      sweeping.isUnderWay = false;
      // Without the installation nobody knows what is ours.
      if (installation !== null) compare(provider, { seen, index, sweeping, installation }, state, ctx);
    }
    if (!providers.has(provider)) sweepings.delete(provider);
  }
}

/** While the database is away there is nothing to compare with. */
export function forgetSeen({ sweepings }: JanitorState): void {
  for (const sweeping of sweepings.values()) {
    if (sweeping.seen === null) continue;
    sweeping.seen = null;
    sweeping.isUnderWay = false;
  }
}

interface Comparison {
  readonly seen: Seen;
  readonly index: RowIndex;
  readonly sweeping: Sweeping;
  readonly installation: Installation;
}

function compare(
  provider: string,
  { seen, index, sweeping, installation }: Comparison,
  state: JanitorState,
  ctx: JanitorContext,
): void {
  const { settings, outside } = state;
  const { doubt } = sweeping;
  const findings = judge(seen, index, sweeping, {
    installation,
    cleansAddresses: settings.lastKnown.provider(provider)?.cleanFloatingIps ?? false,
    now: ctx.now(),
    againMs: settings.timings.serverList,
  });
  ctx.tell(poolAddress, { type: 'leaked', provider, servers: sweeping.leaked });
  if (sweeping.doubt !== null && sweeping.doubt !== doubt) {
    const next = 'see whether the cloud is well, and whether the provider still names the same project and region';
    outside.log.warn(`${provider}: ${sweeping.doubt}`, { provider, next });
  }
  if (findings.leaks.length === 0 && findings.missing.length === 0) return;
  sweeping.isUnderWay = true;
  ctx.task(
    `clean ${provider}`,
    task => clean(provider, findings, { settings, task }),
    result => ({ type: 'cleaned', provider, outcome: result }),
  );
}

export function cleaned({ provider, outcome }: CleanedUp, state: JanitorState, ctx: JanitorContext): void {
  const { outside, sweepings } = state;
  const sweeping = sweepings.get(provider);
  if (sweeping) sweeping.isUnderWay = false;
  if (!outcome.ok) {
    outside.log.warn(`${provider} could not be cleaned: ${String(outcome.error)}`, { provider });
    return;
  }
  const { removed, failed, gone } = outcome.value;
  state.removed += removed.length;
  for (const { kind, id, name } of removed) {
    const message = `${provider}: ${kind} ${name} (${id}) carries our mark and has no row; it is deleted`;
    outside.log.warn(message, { provider });
    ctx.tell(statsAddress, { type: 'happened', event: { type: 'leak.deleted', message, provider } });
  }
  for (const { leak, fault } of failed) {
    const line = `${provider}: ${leak.kind} ${leak.name} (${leak.id}) has no row and is yet to be deleted: ${fault.message}`;
    outside.log.warn(line, { provider, fault: fault.kind, next: fault.next });
  }
  for (const { node, server } of gone) ctx.tell(nodeAddress(node), { type: 'server-gone', server });
}

/** For people; nothing where there is nothing. */
export function describeSweeps({ sweepings, removed }: JanitorState): string[] {
  const parts = removed === 0 ? [] : [`${removed} leaks deleted`];
  for (const [provider, { doubt, suspects }] of sweepings) {
    if (suspects.size > 0) parts.push(`${provider}: ${suspects.size} without a row`);
    if (doubt !== null) parts.push(`${provider}: ${doubt}`);
  }
  return parts;
}
