/** How a build goes on: one step in hand at a time, and its result on the row before the next one begins. */
import { firstLine } from '../../domain/first-line.js';
import { Fault } from '../../domain/fault.js';
import type { SnapshotPatch, SnapshotRow } from '../../domain/snapshot-row.js';
import type { Outside } from '../../ports/outside.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { statsAddress } from '../addresses.js';
import { latestBegin } from '../cloud/find-tagged.js';
import type { Settings } from '../settings.js';
import { orFault, outcomeOf } from '../step-outcome.js';
import { learn } from './learn.js';
import { awaitsRoom, change, happened, hasPermit, rest, whereabouts, type Self, type SnapshotContext } from './self.js';
import type { Step, StepIo, StepOutcome } from './step.js';
import { firstStepOf, steps } from './steps.js';

/** Begins the step that the row names, once nothing else is in hand and it may. */
export async function proceedBuild(self: Self, ctx: SnapshotContext): Promise<void> {
  const { row, settings } = self.home;
  if (self.step || self.resting.has('step')) return;
  const name = stepNow(self);
  const step = (steps as Readonly<Record<string, Step | undefined>>)[name];
  if (!step) throw new Error(`image ${row.id} is built by no step ${name}`);
  if (!hasPermit(self, ctx)) return;
  if (row.step === 'queued' && name === 'keypair' && awaitsRoom(self, ctx)) return;
  if (!self.connection.lease) {
    self.connection.want(self.home.row, ctx);
    return;
  }
  const prepared = orFault(() => step.prepare?.(row, ctx.now(), settings) ?? null);
  if (prepared instanceof Fault) {
    await failed(prepared, {}, self, ctx);
    return;
  }
  if (prepared || name !== row.step) {
    const patch = { ...prepared, ...(name === row.step ? {} : { step: name, stepAt: ctx.now() }) } as SnapshotPatch;
    const isSame = (now: SnapshotRow): boolean => now.state === row.state && now.step === row.step;
    if (!(await change(self, ctx, now => (isSame(now) ? patch : null)))) {
      // It is further than we knew: the answer to a change was lost.
      if (!self.isGone) ctx.self.tell({ type: 'proceed' });
      return;
    }
  }
  begin(name, step, prepared !== null, self, ctx);
}

/** A setup that this life did not begin may have come to any point, and scripts are not written to be run twice. */
function stepNow({ home: { row, settings }, isSetupOurs }: Self): string {
  if (row.step === 'queued') return firstStepOf(row, settings);
  if (row.step === 'setup' && !isSetupOurs) return 'start-over';
  return row.step ?? '';
}

function begin(name: string, step: Step, wasPrepared: boolean, self: Self, ctx: SnapshotContext): void {
  const { row, outside, settings, shell } = self.home;
  const { begunBy } = self;
  self.progress = null;
  self.step = ctx.task(
    name,
    async task => {
      const progress = (text: string): void => ctx.self.tell({ type: 'progressed', text });
      const { currentSource } = self.home;
      const io: StepIo = { row, outside, settings, shell, task, begunBy, wasPrepared, currentSource, progress };
      await note(row, outside, task.now(), `${name} begins`);
      return step.run(io);
    },
    outcome => ({ type: 'step-settled', outcome }),
    { mustSettle: step.mustSettle ?? false },
  );
}

export async function stepSettled(outcome: TaskOutcome<StepOutcome>, self: Self, ctx: SnapshotContext): Promise<void> {
  const result: StepOutcome = outcomeOf(outcome);
  if (result.kind === 'done') await stepDone(result, self, ctx);
  else if (result.kind === 'unneeded') await learn('not-kept', self, ctx, { why: result.why });
  else await stepFailed(result.fault, result.isCertain, self, ctx);
  self.step = null;
  self.progress = null;
}

async function stepDone(
  { next, patch }: Extract<StepOutcome, { kind: 'done' }>,
  self: Self,
  ctx: SnapshotContext,
): Promise<void> {
  self.failures = 0;
  self.isSetupOurs = next === 'setup';
  const { row } = self.home;
  if (row.state !== 'building') {
    // Whatever became of it meanwhile, what the step made is remembered: a removal must know the server and the image.
    await change(self, ctx, () => (Object.keys(patch).length > 0 ? patch : null));
    return;
  }
  if (next !== 'built') {
    await change(self, ctx, () => ({ ...patch, step: next, stepAt: ctx.now(), lastError: null }));
    return;
  }
  await built(patch, self, ctx);
}

async function built(patch: SnapshotPatch, self: Self, ctx: SnapshotContext): Promise<void> {
  const { row, settings } = self.home;
  const image = settings.image(row.provider, row.image);
  const isTried = image?.source === 'snapshot' && image.canaries > 0;
  const more: SnapshotPatch = {
    ...patch,
    // From here on nodes boot from it, or its canaries do; what it was made on goes last (reference 12.3).
    step: row.serverId === null ? null : 'template',
    stepAt: ctx.now(),
    sentAt: null,
    standing: isTried ? 'trial' : null,
    lastError: null,
  };
  await learn('built', self, ctx, { more });
  const ms = Math.max(0, ctx.now() - (row.version ?? 0) * 1000);
  ctx.tell(statsAddress, { type: 'timing', key: `nodepool.image_update.${row.image}.${row.provider}`, ms });
  noteInLog('it is ready', self, ctx);
}

async function stepFailed(fault: Fault, isCertain: boolean, self: Self, ctx: SnapshotContext): Promise<void> {
  const { row, settings, outside } = self.home;
  if (!isCertain) self.begunBy = latestBegin(fault, row.provider, { settings, now: ctx.now() });
  // A call of which nothing came is asked anew; of any other it is first looked for what it made.
  const forget: SnapshotPatch = isCertain ? { sentAt: null } : {};
  if (row.state !== 'building') {
    await change(self, ctx, () => (isCertain && row.sentAt !== null ? forget : null));
    return;
  }
  if (!isWorthRepeating(row, fault, ctx.now(), settings)) {
    await failed(fault, forget, self, ctx);
    return;
  }
  outside.log.info(`image ${row.id}: ${row.step ?? ''} is tried again: ${fault.message}`, {
    ...whereabouts(row),
    fault: fault.kind,
  });
  await change(self, ctx, () => ({ ...forget, lastError: fault.message }));
  rest('step', self, ctx);
}

async function failed(fault: Fault, patch: SnapshotPatch, self: Self, ctx: SnapshotContext): Promise<void> {
  const { row, outside } = self.home;
  const summary = firstLine(fault.message);
  outside.log.warn(`image ${row.id}: its build failed at ${row.step ?? 'no step'}: ${summary}`, {
    ...whereabouts(row),
    fault: fault.kind,
    next: fault.next,
  });
  await learn('build-failed', self, ctx, { fault, more: patch });
  happened('image.build-failed', `failed at ${row.step ?? 'no step'}: ${summary}`, row, ctx);
  noteInLog(`it failed at ${row.step ?? 'no step'}: ${fault.message}`, self, ctx);
}

function noteInLog(what: string, self: Self, ctx: SnapshotContext): void {
  const { row, outside } = self.home;
  ctx.task(
    'log',
    task => note(row, outside, task.now(), what),
    () => ({ type: 'proceed' }),
  );
}

/** A line in the log of this build. */
async function note(row: SnapshotRow, outside: Outside, now: number, what: string): Promise<void> {
  const { provider, image, version } = row;
  await outside.builds.log({ provider, image, version: version ?? 0 }, now, `image ${row.id}: ${what}`);
}

/** Steps whose trouble is the cloud's, not the machine's or the script's; and how long it is waited for. */
const waitsForCloud: Readonly<Record<string, 'templateBoot' | 'snapshot'>> = {
  keypair: 'templateBoot',
  create: 'templateBoot',
  address: 'templateBoot',
  'start-over': 'snapshot',
  snapshot: 'snapshot',
  save: 'snapshot',
  upload: 'snapshot',
};

/** Whether the step is begun again later, or the build has failed. */
function isWorthRepeating(row: SnapshotRow, fault: Fault, now: number, settings: Settings): boolean {
  const limit = waitsForCloud[row.step ?? ''];
  if (limit === undefined) return false;
  if (fault.kind === 'actor.gone' || fault.kind === 'actor.timeout') return true;
  const isYoung = now - (row.stepAt ?? row.stateTime * 1000) < settings.timings[limit];
  return fault.retry === 'later' && isYoung;
}
