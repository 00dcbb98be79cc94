/**
 * Owns    one disk image: the making of its files on this machine.
 * Hears   file-wanted (builds of images that are made of it), reconfigured.
 * Tells   the asker the file; its health to stats.
 * Stores  nothing: files that are made whole lie in the images directory, and are found there.
 * If it dies: what is being made is called off; who asked asks again.
 *
 * All providers that name it share one making: a file that was begun at about the time that somebody asks for is as good
 * as another one.
 */
import { firstLine } from '../domain/first-line.js';
import { Fault } from '../domain/fault.js';
import type { DiskImage } from '../domain/pool-config.js';
import type { DiskFile, MadeFile } from '../ports/builds.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { diskimageAddress, statsAddress } from './addresses.js';
import type { Reply } from './outcome.js';
import type { Settings } from './settings.js';
import { asFault } from './store.js';

interface Wish {
  readonly format: string;
  /** When the asker's build began: an older file is not what it wants. */
  readonly since: number;
  readonly replyTo: ReplyTo<Reply<DiskFile>>;
}

export type DiskimageMessage =
  | ({ readonly type: 'file-wanted' } & Wish)
  | { readonly type: 'looked'; readonly wish: Wish; readonly outcome: TaskOutcome<DiskFile | MadeFile | null> }
  | { readonly type: 'made'; readonly outcome: TaskOutcome<void> }
  | { readonly type: 'reconfigured' };

export interface DiskimageArgs {
  readonly name: string;
  readonly outside: Outside;
  readonly settings: Settings;
}

interface DiskimageState extends DiskimageArgs {
  readonly waiting: Wish[];
  /** Epoch seconds when the making in hand began. */
  making: number | null;
  begunAt: number;
  /** Unlike that of the one before. */
  lastVersion: number;
  trouble: string | null;
}

/** The images of all providers are due at the same time, and begin within seconds of each other. */
const sharedMs = 60_000;
/** Where a provider does not say what it takes. */
export const usualFormat = 'qcow2';

export const diskimageActor: Actor<DiskimageMessage, DiskimageState, DiskimageArgs> = {
  kind: 'diskimage',

  init(ctx, args) {
    ctx.register(diskimageAddress(args.name));
    return { ...args, waiting: [], making: null, begunAt: 0, lastVersion: 0, trouble: null };
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'file-wanted':
        look(message, state, ctx);
        return;
      case 'looked':
        looked(message.wish, message.outcome, state, ctx);
        return;
      case 'made':
        made(message.outcome, state, ctx);
        return;
      case 'reconfigured':
    }
  },

  describe({ making, waiting, trouble }) {
    const work = making === null ? 'idle' : `making version ${making}`;
    const wishes = waiting.length === 0 ? '' : `; ${waiting.length} wait`;
    return { state: `${work}${wishes}${trouble === null ? '' : `; ${trouble}`}` };
  },
};

function configOf({ settings, name }: DiskimageState): DiskImage | null {
  return settings.config.diskimages.find(each => each.name === name) ?? null;
}

function look(wish: Wish, state: DiskimageState, ctx: Context<DiskimageMessage>): void {
  const config = configOf(state);
  const { builds } = state.outside;
  if (!config) {
    const fault = new Fault('config.removed', `there is no disk image ${state.name} in the configuration`);
    wish.replyTo.reply({ ok: false, fault });
    return;
  }
  const { file, name } = config;
  ctx.task<DiskFile | MadeFile | null>(
    'look',
    () => (file === null ? builds.newest(name, wish.format) : builds.look(file)),
    outcome => ({ type: 'looked', wish, outcome }),
  );
}

function looked(
  wish: Wish,
  outcome: TaskOutcome<DiskFile | MadeFile | null>,
  state: DiskimageState,
  ctx: Context<DiskimageMessage>,
): void {
  if (!outcome.ok) {
    wish.replyTo.reply({ ok: false, fault: asFault(outcome.error) });
    return;
  }
  const found = outcome.value;
  // A file that is made by somebody else has no version: it is what there is.
  if (found && (!('version' in found) || isNewEnough(found.version, wish))) {
    wish.replyTo.reply({ ok: true, value: found });
    return;
  }
  state.waiting.push(wish);
  make(state, ctx);
}

function isNewEnough(version: number, { since }: Wish): boolean {
  return version * 1000 >= since - sharedMs;
}

function make(state: DiskimageState, ctx: Context<DiskimageMessage>): void {
  const diskimage = configOf(state);
  if (state.making !== null || state.waiting.length === 0 || !diskimage) return;
  const version = Math.max(Math.floor(ctx.now() / 1000), state.lastVersion + 1);
  const formats = formatsOf(state);
  state.making = version;
  state.begunAt = ctx.now();
  state.lastVersion = version;
  state.outside.log.info(`disk image ${state.name}: version ${version} is made (${formats.join(', ')})`, {
    image: state.name,
  });
  const { buildTimeoutMs: deadlineMs } = diskimage;
  ctx.task(
    'make',
    io => state.outside.builds.make({ diskimage, version, formats }, { deadlineMs, signal: io.signal }),
    outcome => ({ type: 'made', outcome }),
    { deadlineMs: deadlineMs + sharedMs },
  );
}

/** All that any provider takes: they are made together. */
function formatsOf({ settings, name, waiting }: DiskimageState): string[] {
  const users = settings.config.providers.filter(({ images }) => images.some(({ diskimage }) => diskimage === name));
  return [
    ...new Set([...users.map(({ imageType }) => imageType ?? usualFormat), ...waiting.map(({ format }) => format)]),
  ];
}

function made(outcome: TaskOutcome<void>, state: DiskimageState, ctx: Context<DiskimageMessage>): void {
  const version = state.making ?? 0;
  state.making = null;
  if (outcome.ok) {
    state.trouble = null;
    const ms = ctx.now() - state.begunAt;
    ctx.tell(statsAddress, { type: 'timing', key: `nodepool.dib_image_build.${state.name}`, ms });
    state.outside.log.info(`disk image ${state.name}: version ${version} is made`, { image: state.name });
    // Each finds its file; one that asked much later than this one was begun has another one made.
    for (const wish of state.waiting.splice(0)) look(wish, state, ctx);
  } else {
    const fault = asFault(outcome.error);
    state.trouble = firstLine(fault.message);
    for (const { replyTo } of state.waiting.splice(0)) replyTo.reply({ ok: false, fault });
  }
  ctx.tell(statsAddress, {
    type: 'dependency',
    name: `diskimages/${state.name}`,
    reason: state.trouble,
    isVital: false,
  });
}
