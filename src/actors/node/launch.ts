/** How a launch goes on: one step in hand at a time, and its result on the row before the next one begins. */
import { backoffMs } from '../../domain/backoff.js';
import { endingOfFailure } from '../../domain/canary.js';
import type { LaunchEnd } from '../../domain/failed-launches.js';
import { Fault, named } from '../../domain/fault.js';
import { isLaunchStep, type LaunchStep, type NodePatch, type NodeRow } from '../../domain/node-row.js';
import { launchKeys } from '../../domain/statistics.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { cloudAddress, historyAddress, statsAddress } from '../addresses.js';
import { latestBegin } from '../cloud/find-tagged.js';
import type { Settings } from '../settings.js';
import { orFault, outcomeOf } from '../step-outcome.js';
import { runExplained } from './console.js';
import { proceedGroup } from './group.js';
import { takeOffline } from './job.js';
import { learn } from './learn.js';
import { change, hasPermit, stepIo, tellImage, whereabouts, type NodeContext, type Self } from './self.js';
import type { Step, StepOutcome } from './step.js';
import { steps } from './steps.js';

export const retryBackoff = { minMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.3 };

/** Begins the step that the row names, once nothing else is in hand and the node may. */
export async function proceedLaunch(node: Self, ctx: NodeContext): Promise<void> {
  const { row, settings } = node.home;
  if (node.step || node.resting.has('step') || node.keptForLease.length > 0) return;
  if (row.step === 'test-job' && (node.isTestAsked || row.jobStartedAt !== null)) return;
  if (row.step === 'group') {
    await proceedGroup(node, ctx);
    return;
  }
  const name = row.step === 'queued' ? 'create' : row.step;
  const step = stepNamed(name);
  if (!step || !hasPermit('launch', node, ctx)) return;
  if (!node.connection.lease) {
    node.connection.want(node.home.row, ctx);
    return;
  }
  const prepared = orFault(() => step.prepare?.(row, ctx.now(), settings) ?? null);
  if (prepared instanceof Fault) {
    await failed(prepared, {}, node, ctx);
    ctx.self.tell({ type: 'proceed' });
    return;
  }
  if (prepared || name !== row.step) {
    const patch = { ...prepared, ...(name === row.step ? {} : { step: name, stepAt: ctx.now() }) };
    const isSame = (now: NodeRow): boolean => now.state === row.state && now.step === row.step;
    if (!(await change(node, ctx, now => (isSame(now) ? patch : null)))) {
      // It is further than we knew: the answer to a change was lost.
      if (!node.isGone) ctx.self.tell({ type: 'proceed' });
      return;
    }
  }
  node.step = ctx.task(
    name ?? '',
    io => runExplained(name ?? '', step, stepIo(node, ctx, io, prepared !== null)),
    outcome => ({ type: 'step-settled', outcome }),
    { mustSettle: step.mustSettle ?? false },
  );
}

export function stepNamed(name: string | null): Step | undefined {
  return name === null ? undefined : (steps as Readonly<Record<string, Step | undefined>>)[name];
}

export async function stepSettled(outcome: TaskOutcome<StepOutcome>, node: Self, ctx: NodeContext): Promise<void> {
  const result: StepOutcome = outcomeOf(outcome);
  if (result.kind === 'done') await stepDone(result.next, result.patch, node, ctx);
  else if (result.kind === 'awaits-event') node.isTestAsked = true;
  else await stepFailed(result, node, ctx);
  node.step = null;
}

async function stepDone(next: LaunchStep | 'launched', patch: NodePatch, node: Self, ctx: NodeContext): Promise<void> {
  node.failures = 0;
  node.isLabelInDoubt = false;
  const { row, settings } = node.home;
  if (row.state === 'building' && next === 'launched') {
    const isTested = (settings.lastKnown.target(row.target)?.jenkins?.testJob ?? null) !== null;
    await learn(isTested ? 'launched-untested' : 'launched', node, ctx, () => ({
      ...patch,
      step: isTested ? 'test-job' : null,
      stepAt: isTested ? ctx.now() : null,
    }));
    launched(node, ctx);
    return;
  }
  if (row.state === 'test' && next === 'launched') {
    await learn('test-passed', node, ctx, () => patch);
    return;
  }
  await change(node, ctx, now => {
    // Whatever became of the node meanwhile, what the step made is remembered: a delete must know the server.
    if (now.state === 'delete' || now.state === 'used' || now.state === 'ready') {
      return Object.keys(patch).length > 0 ? patch : null;
    }
    return { ...patch, step: next === 'launched' ? null : next, stepAt: ctx.now() };
  });
}

function launched({ home: { row, settings } }: Self, ctx: NodeContext): void {
  tellCloud(null, row, settings, ctx);
  countLaunch(null, { of: 'node', row }, settings, ctx);
}

async function stepFailed(
  { fault, isCertain, console = null }: Extract<StepOutcome, { kind: 'fault' }>,
  node: Self,
  ctx: NodeContext,
): Promise<void> {
  const { row, settings, outside } = node.home;
  if (mayHaveLabel(row, fault)) node.isLabelInDoubt = true;
  if (!isCertain) node.begunBy = latestBegin(fault, row.provider, { settings, now: ctx.now() });
  // What nothing came of is asked for anew; anything else is looked for by its tag first.
  const forget: NodePatch = isCertain ? (stepNamed(row.step)?.forget ?? {}) : {};
  if (row.state !== 'building' && row.state !== 'test') {
    await change(node, ctx, now => (now.serverId === null && Object.keys(forget).length > 0 ? forget : null));
    return;
  }
  if (!isWorthRepeating(row, fault, ctx.now(), settings)) {
    if (console !== null) tellConsole(console, node);
    await failed(fault, { ...forget, console }, node, ctx);
    return;
  }
  outside.log.debug(`${row.step ?? ''} is tried again: ${fault.message}`, { ...whereabouts(row), fault: fault.kind });
  await change(node, ctx, () => ({ ...forget, lastError: named(fault) }));
  node.failures++;
  node.resting.add('step');
  const restMs = backoffMs(retryBackoff, node.failures, ctx.random());
  node.restsUntil = ctx.now() + restMs;
  ctx.timer('retry step', restMs, { type: 'rested', what: 'step' });
}

/** Into the log as well, where the label wants it: the row goes with the node. */
function tellConsole(console: string, { home: { row, settings, outside } }: Self): void {
  if (settings.lastKnown.label(row.label)?.consoleLog !== true) return;
  outside.log.warn(`node ${row.id}: the last lines of its console:\n${console}`, whereabouts(row));
}

export async function failed(fault: Fault, patch: NodePatch, node: Self, ctx: NodeContext): Promise<void> {
  const { row, outside, settings } = node.home;
  outside.log.warn(`node ${row.id}: its launch failed at ${row.step ?? 'no step'}: ${fault.message}`, {
    ...whereabouts(row),
    fault: fault.kind,
    next: fault.next,
  });
  const { step } = row;
  const fact = node.isLabelInDoubt && fault.retry === 'never' ? 'launch-lost' : 'launch-failed';
  const decision = await learn(fact, node, ctx, () => ({ ...patch, lastError: named(fault) }));
  if (decision.kind === 'move' && decision.to === 'used') takeOffline('it is not to have a job', node, ctx);
  tellImage(isLaunchStep(step) ? endingOfFailure(step, fault.kind) : 'void', node, ctx);
  // That the configuration has changed says nothing of the cloud.
  if (fault.kind !== 'config.removed') tellCloud(fault, row, settings, ctx);
  ctx.tell(statsAddress, {
    type: 'happened',
    event: {
      type: 'node.launch-failed',
      message: `node ${row.id}: ${fault.message}`,
      node: Number(row.id),
      provider: row.provider,
      label: row.label,
      target: row.target,
    },
  });
  countLaunch(fault, { of: 'node', row }, settings, ctx);
}

type Telling = Pick<NodeContext, 'now' | 'tell'>;

export function tellCloud(fault: Fault | null, row: NodeRow, settings: Settings, ctx: Telling): void {
  const image = settings.label(row.label)?.image ?? '';
  ctx.tell(cloudAddress(row.provider), { type: 'launch-settled', image, az: row.az, fault });
}

/** The statistics of a launch (reference 18): its time, and how it ended. */
export function countLaunch(
  fault: Fault | null,
  { of: part, row }: { readonly of: LaunchEnd['of']; readonly row: NodeRow },
  settings: Settings,
  ctx: Telling,
): void {
  const failure = fault && { kind: fault.kind, step: isLaunchStep(row.step) ? row.step : null };
  const ms = Math.max(0, ctx.now() - (row.sentAt ?? row.stateTime * 1000));
  const { id: node, label, provider, target, az } = row;
  ctx.tell(historyAddress, { type: 'launch-ended', of: part, ms, node, label, provider, fault });
  const image = settings.lastKnown.label(label)?.image ?? label;
  for (const { key, of } of launchKeys({ provider, image, target, az, failure })) {
    ctx.tell(statsAddress, { type: 'timing', key, ms, of });
  }
}

/** With the label a job may come. A master that does not answer for the whole launch timeout is not waited for (lesson 56). */
function mayHaveLabel({ step }: NodeRow, fault: Fault): boolean {
  return labelling.has(step ?? '') && fault.retry !== 'never';
}

/** Steps of which a call that took effect, and whose answer is not known, gives the slave its label. */
export const labelling: ReadonlySet<string> = new Set(['register', 'relabel']);

/** Steps whose trouble is a cloud's or a master's, not the machine's. */
const waitsForOthers: ReadonlySet<string> = new Set(['create', 'address', 'register', 'test-job', 'relabel']);

/** Whether the step is begun again later, or the launch has failed. */
export function isWorthRepeating(row: NodeRow, fault: Fault, now: number, settings: Settings): boolean {
  if (fault.kind === 'actor.gone' || fault.kind === 'actor.timeout') return true;
  const launchTimeoutMs = settings.lastKnown.provider(row.provider)?.launchTimeoutMs ?? 0;
  const isYoung = now - (row.stepAt ?? row.stateTime * 1000) < launchTimeoutMs;
  // A machine that does not come up is replaced; a cloud or a master that does not answer is waited for.
  return waitsForOthers.has(row.step ?? '') && fault.retry === 'later' && isYoung;
}
