/** How sweeps go on: each provider's by itself, so that a cloud that is away keeps no other unclean (lesson 13). */
import type { Installation } from '../../domain/ids.js';
import type { NodeRow } from '../../domain/node-row.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { nodeAddress, statsAddress } from '../addresses.js';
import type { JanitorContext, JanitorState } from '../janitor.js';
import { clean, judge, kindsToLookAt, look, nothingSwept, type Cleaned, type Look } from './sweep.js';

export interface Looked {
  readonly type: 'looked';
  readonly provider: string;
  readonly outcome: TaskOutcome<Look>;
}

export interface CleanedUp {
  readonly type: 'cleaned';
  readonly provider: string;
  readonly outcome: TaskOutcome<Cleaned>;
}

/** The providers of the configuration, and those that only rows name; `rows` are those of each, read just now. */
export function sweep(
  rows: ReadonlyMap<string, readonly NodeRow[]>,
  inUse: ReadonlySet<string>,
  state: JanitorState,
  ctx: JanitorContext,
): void {
  const { settings, outside, sweepings } = state;
  const providers = new Set([...settings.config.providers.map(({ name }) => name), ...inUse]);
  for (const name of sweepings.keys()) if (!providers.has(name)) sweepings.delete(name);
  for (const provider of providers) {
    const sweeping = sweepings.get(provider) ?? nothingSwept();
    sweepings.set(provider, sweeping);
    if (sweeping.isUnderWay) continue;
    sweeping.isUnderWay = true;
    const kinds = kindsToLookAt(provider, sweeping, settings);
    ctx.task(
      `look at ${provider}`,
      task => look(provider, kinds, { before: rows.get(provider) ?? [], session: outside.store.shared, task }),
      outcome => ({ type: 'looked', provider, outcome }),
    );
  }
}

/** Without the installation nobody knows what is ours; the next sweep does. */
export function looked(
  { provider, outcome }: Looked,
  installation: Installation | null,
  state: JanitorState,
  ctx: JanitorContext,
): void {
  const sweeping = state.sweepings.get(provider);
  if (!sweeping) return;
  // While the database is away there is nothing to compare with.
  if (!outcome.ok || installation === null) {
    sweeping.isUnderWay = false;
    return;
  }
  const { settings, outside } = state;
  const { doubt } = sweeping;
  const findings = judge(outcome.value, sweeping, {
    installation,
    cleansAddresses: settings.lastKnown.provider(provider)?.cleanFloatingIps ?? false,
    now: ctx.now(),
    againMs: settings.timings.serverList,
  });
  if (sweeping.doubt !== null && sweeping.doubt !== doubt) {
    const next = 'see whether the cloud is well, and whether the provider still names the same project and region';
    outside.log.warn(`${provider}: ${sweeping.doubt}`, { provider, next });
  }
  if (findings.leaks.length === 0 && findings.missing.length === 0) {
    sweeping.isUnderWay = false;
    return;
  }
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
