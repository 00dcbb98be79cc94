/** What launches boot from, and how they went. */
import { judge, wantsCanary, type Trial } from '../../domain/canary.js';
import type { SnapshotId } from '../../domain/ids.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import type { BootImage, ImageMessage } from '../image.js';
import { configOf, current, release, rowsOf, type ImageContext, type ImageState } from './state.js';

type Question = Pick<Extract<ImageMessage, { type: 'which' }>, 'node' | 'replyTo'>;

export function which(question: Question, state: ImageState, now: number): void {
  // Launches that go on after a restart ask at once, and must not fail because nobody has looked yet.
  if (state.isKnown) answer(question, state, now);
  else state.asking.push(question);
}

/** It is known now what there is. */
export function answerAsking(state: ImageState, now: number): void {
  state.isKnown = true;
  for (const question of state.asking.splice(0)) answer(question, state, now);
}

function answer({ node, replyTo }: Question, state: ImageState, now: number): void {
  state.launches.delete(node);
  const boot = canary(state) ?? current(state);
  if (boot?.snapshot) {
    const limitMs = state.settings.lastKnown.provider(state.provider)?.launchTimeoutMs ?? 0;
    state.launches.set(node, { snapshot: boot.snapshot, until: now + limitMs });
  }
  replyTo.reply(boot);
}

function canary(state: ImageState): BootImage | null {
  const { current: predecessor, candidate } = release(state);
  if (!candidate?.imageId || !predecessor) return null;
  if (!wantsCanary(trialOf(candidate, predecessor, state), launchesOf(candidate.id, state))) return null;
  return { imageId: candidate.imageId, snapshot: candidate.id };
}

function trialOf(candidate: SnapshotRow, predecessor: SnapshotRow, state: ImageState): Trial {
  const record = ({ launches, launchFailures }: SnapshotRow) => ({ launches, failures: launchFailures });
  return {
    candidate: record(candidate),
    predecessor: record(predecessor),
    canaries: configOf(state)?.canaries ?? 0,
  };
}

export function launchesOf(snapshot: SnapshotId, { launches }: ImageState): number {
  return [...launches.values()].filter(launch => launch.snapshot === snapshot).length;
}

/** Counted only where images have canaries: elsewhere nobody compares them. */
export function launchEnded(
  { node, snapshot, ending }: Extract<ImageMessage, { type: 'launch-ended' }>,
  state: ImageState,
  ctx: ImageContext,
): void {
  state.launches.delete(node);
  if (snapshot === null) return;
  const row = state.rows?.get(snapshot);
  const ref = state.snapshots.get(snapshot);
  if (!row || !ref) return;
  if (ending !== 'void' && (configOf(state)?.canaries ?? 0) > 0) ref.tell({ type: 'launch-ended', ending });
  freeImages(state, ctx);
}

/** An image that is deleted goes from the cloud once no launch refers to it (lesson 120). */
export function freeImages(state: ImageState, ctx: ImageContext): void {
  for (const [node, launch] of state.launches) if (launch.until <= ctx.now()) state.launches.delete(node);
  for (const { id, state: rowState } of rowsOf(state)) {
    if (rowState === 'delete' && launchesOf(id, state) === 0) state.snapshots.get(id)?.tell({ type: 'free' });
  }
}

/** What its canaries tell of a new image. One that was overtaken by a newer one is not tried any further. */
export function judgeTrials(state: ImageState): void {
  const { current: predecessor, candidate } = release(state);
  for (const row of rowsOf(state)) {
    if (row.state !== 'ready' || row.standing !== 'trial') continue;
    const ref = state.snapshots.get(row.id);
    if (row.id === predecessor?.id) {
      ref?.tell({ type: 'judged', standing: null, reason: 'there is no other image to compare it with' });
    } else if (row.id !== candidate?.id) {
      ref?.tell({ type: 'judged', standing: 'set-back', reason: 'a newer image came before its trial was over' });
    } else if (predecessor) {
      judgeOne(row, predecessor, state);
    }
  }
}

function judgeOne(row: SnapshotRow, predecessor: SnapshotRow, state: ImageState): void {
  const trial = trialOf(row, predecessor, state);
  const verdict = judge(trial);
  const ref = state.snapshots.get(row.id);
  const { launches, failures } = trial.candidate;
  const soFar = `canaries: ${launches} of ${trial.canaries} launched, ${failures} failed`;
  if (verdict.kind === 'go-on') {
    if (row.reason !== soFar) ref?.tell({ type: 'judged', standing: 'trial', reason: soFar });
    return;
  }
  const isSetBack = verdict.kind === 'set-back';
  const what = `image ${row.id} (${row.image} of ${row.provider}) is ${isSetBack ? 'set back' : 'trusted'}`;
  const line = `${what}: ${verdict.why}`;
  if (isSetBack) state.outside.log.warn(line, { provider: row.provider, image: row.image, next: setBackAdvice });
  else state.outside.log.info(line, { provider: row.provider, image: row.image });
  ref?.tell({ type: 'judged', standing: isSetBack ? 'set-back' : null, reason: verdict.why });
}

const setBackAdvice = 'see why its nodes did not come up; the next build is tried again';
