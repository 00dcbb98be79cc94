/** When the image is built, and what becomes of the build. */
import { firstLine } from '../../domain/first-line.js';
import { backoffMs } from '../../domain/backoff.js';
import { Fault } from '../../domain/fault.js';
import type { DiskImage } from '../../domain/pool-config.js';
import { nextVersion, whenToBuild } from '../../domain/image-build.js';
import { newTag } from '../../domain/tag.js';
import { ofCloud, setBack } from '../../domain/image.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import { imageView } from '../../domain/views.js';
import type { ImageOutcome } from '../../ports/control.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { storeAddress } from '../addresses.js';
import type { ImageMessage } from '../image.js';
import { awaitSchedule } from '../schedule.js';
import { answerAsking, judgeTrials } from './launches.js';
import { readRows, startActor } from './rows.js';
import { configOf, current, rowsOf, tellPool, type ImageContext, type ImageState } from './state.js';

/** A broken setup script is tried again, and ever less often (lesson 110). */
const buildBackoff = { minMs: 60_000, maxMs: 4 * 3_600_000, factor: 2, jitter: 0.2 };

/** Looks at all that is known, and does what follows from it. Called after each change. */
export async function consider(state: ImageState, ctx: ImageContext): Promise<void> {
  if (state.rows === null || state.settings.image(state.provider, state.image)?.source === 'cloud') return;
  judgeTrials(state);
  await buildIfDue(false, state, ctx);
  tellPool(current(state), troubleOf(state), state, ctx);
  answerAsking(state, ctx.now());
}

/** What an operator should know: that there is nothing to launch from, and that builds fail. */
function troubleOf(state: ImageState): string | null {
  const parts: string[] = [];
  const { provider, image, lastBuild, buildsFailed } = state;
  const back = setBack(rowsOf(state));
  if (!configOf(state)) parts.push('not in configuration');
  else if (!current(state)) parts.push(`no snapshot of ${image} is ready in ${provider}: ${state.plan}`);
  if (back !== null) parts.push(`image ${back.id} is set back: ${back.reason ?? 'its trial'}`);
  if (buildsFailed > 0 && lastBuild !== null && !lastBuild.isReady) {
    const summary = firstLine(lastBuild.reason ?? '');
    parts.push(`its last build failed (${buildsFailed} in a row): ${summary}`);
  }
  return parts.length === 0 ? null : parts.join('; ');
}

/** The row of a build that was begun. */
async function buildIfDue(isAsked: boolean, state: ImageState, ctx: ImageContext): Promise<SnapshotRow | null> {
  const answer = whenToBuild({
    rows: rowsOf(state),
    isUnderWay: state.buildInHand !== null,
    now: ctx.now(),
    isUsed: isUsed(state),
    forbidden: whyForbidden(state),
    isDue: state.isDue,
    isAsked,
    rebuildAgeMs: configOf(state)?.rebuildAgeMs ?? diskimageOf(state)?.rebuildAgeMs ?? null,
    restsUntil: state.restsUntil,
  });
  state.plan = answer.why;
  if (answer.kind === 'at') {
    ctx.timer('rest', answer.at - ctx.now(), { type: 'rest-over' });
    const inSeconds = Math.ceil((answer.at - ctx.now()) / 1000);
    state.plan = `${answer.why}, and is built in ${inSeconds} s`;
  }
  return answer.kind === 'now' ? begin(answer.why, state, ctx) : null;
}

/** The row is written before anything is made (lesson 15); whoever is cut off after it finds it again. */
async function begin(why: string, state: ImageState, ctx: ImageContext): Promise<SnapshotRow | null> {
  const { provider, image, outside, installation } = state;
  if (installation === null) return null;
  const version = nextVersion(rowsOf(state), ctx.now());
  const tag = newTag(installation, () => ctx.random());
  try {
    const row = await outside.store.shared.insertSnapshot({ provider, image, version, tag });
    outside.log.info(`image ${row.id}: ${image} of ${provider} is built: ${why}`, { provider, image });
    state.isDue = false;
    state.restsUntil = null;
    state.buildInHand = row.id;
    state.rows?.set(row.id, row);
    startActor(row, state, ctx);
    return row;
  } catch (error) {
    cutOff(error, state, ctx);
    return null;
  }
}

/** Whether the write took effect is not known: what is there is read again. */
function cutOff(error: unknown, state: ImageState, ctx: ImageContext): void {
  if (!(error instanceof Fault)) throw error;
  state.rows = null;
  ctx.tell(storeAddress, { type: 'away-seen', reason: error.message });
  readRows(ctx);
}

function isUsed({ settings, provider, image }: ImageState): boolean {
  return settings.config.labels.some(
    label => label.minReady >= 0 && label.image === image && label.providers.includes(provider),
  );
}

/** What it is made of, where that is no base image. */
function diskimageOf(state: ImageState): DiskImage | null {
  const name = configOf(state)?.diskimage ?? null;
  return state.settings.config.diskimages.find(each => each.name === name) ?? null;
}

function whyForbidden(state: ImageState): string | null {
  const { settings, provider, image, isPaused } = state;
  const config = configOf(state);
  if (!config) return 'not in configuration';
  const { disabled, scriptDir } = settings.config;
  const broken = disabled.find(({ kind, name }) => kind === 'image' && name === `${provider}/${image}`);
  if (broken) return broken.reason;
  if (config.diskimage === null && config.setup !== null && scriptDir === null)
    return 'its setup needs a script-dir in the configuration';
  if (config.isPaused || diskimageOf(state)?.isPaused === true) return 'paused in the configuration';
  return isPaused ? 'paused by an operator' : null;
}

// ── What is asked and told ───────────────────────────────────────────────────────────────────────────────────────

export async function update(replyTo: ReplyTo<ImageOutcome>, state: ImageState, ctx: ImageContext): Promise<void> {
  const { provider, image } = state;
  if (isOfCloud(state)) return replyTo.reply(notBuiltHere(state));
  if (state.rows === null) {
    replyTo.reply({ kind: 'failed', message: `the rows of ${image} of ${provider} are not read yet` });
    return;
  }
  const row = rowsOf(state).find(each => each.state === 'building') ?? (await buildIfDue(true, state, ctx));
  if (row) replyTo.reply({ kind: 'done', image: imageView(row, ctx.now()) });
  else if (whyForbidden(state) === null) replyTo.reply({ kind: 'failed', message: 'the database is away' });
  else {
    const message = `${image} of ${provider} is not built: ${whyForbidden(state) ?? ''}`;
    const next = state.isPaused
      ? `nodepool image-resume ${provider} ${image} ends that`
      : `nodepool inspect ${ctx.path} shows its builds`;
    replyTo.reply({ kind: 'refused', message, next });
  }
}

export async function pause(
  { isPaused, replyTo }: Extract<ImageMessage, { type: 'pause' }>,
  state: ImageState,
  ctx: ImageContext,
): Promise<void> {
  if (isOfCloud(state)) return replyTo.reply(notBuiltHere(state));
  const { provider, image, outside } = state;
  try {
    await outside.store.shared.pauseImage({ provider, image }, isPaused);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    replyTo.reply({ kind: 'failed', message: error.message });
    return;
  }
  state.isPaused = isPaused;
  outside.log.info(`${image} of ${provider} is ${isPaused ? 'paused' : 'built again'}`, { provider, image });
  replyTo.reply({ kind: 'done', image: null });
  await consider(state, ctx);
}

function isOfCloud({ settings, provider, image }: ImageState): boolean {
  return settings.image(provider, image)?.source === 'cloud';
}

function notBuiltHere({ provider, image }: ImageState): ImageOutcome {
  return {
    kind: 'refused',
    message: `${image} of ${provider}: ${ofCloud}`,
    next: 'only what stands in images of the configuration is built',
  };
}

export function buildEnded(
  { id, ending }: Extract<ImageMessage, { type: 'build-ended' }>,
  state: ImageState,
  ctx: ImageContext,
): void {
  if (state.buildInHand === id) state.buildInHand = null;
  const at = ctx.now();
  if (ending === 'ready') {
    state.lastBuild = { id, isReady: true, reason: null, at };
    state.buildsFailed = 0;
    state.restsUntil = null;
  } else if ('calledOff' in ending) {
    state.lastBuild = { id, isReady: false, reason: ending.calledOff, at };
    state.restsUntil = ending.isUnneeded ? at + unneededRestMs : null;
  } else {
    state.lastBuild = { id, isReady: false, reason: ending.message, at };
    state.buildsFailed++;
    state.restsUntil = at + backoffMs(buildBackoff, state.buildsFailed, ctx.random());
  }
}

/** One that was not needed is not begun again at once for the same reason. */
const unneededRestMs = 3_600_000;

/** A rest that is over is no reason by itself: it is looked at anew whether there is something to build. */
export function restOver(state: ImageState): void {
  state.plan = '';
}

export function scheduleDue(isDue: boolean, state: ImageState, ctx: ImageContext): void {
  state.isDue ||= isDue;
  awaitSchedule('imageUpdate', { due: { type: 'schedule-due' }, later: { type: 'look-at-schedule' } }, state, ctx);
}
