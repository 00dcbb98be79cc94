/**
 * Owns    the configuration in force.
 * Hears   reload (a signal), reload-asked, tune, preview (control), its own look at the files.
 * Tells   those whom a new configuration concerns, and nobody else; the asker what became of it; its health to stats.
 * Stores  nothing; the file is the truth.
 * If it dies: what was in force stays in force, and the file is read again.
 *
 * Values are looked up where they are used, so that a new configuration is in force at each next use, and nothing that
 * is under way is disturbed. The files are looked at each second, which finds those that were replaced by renaming as
 * well, on any file system; they are read once they have stood still from one look to the next. A file that cannot be
 * used leaves the old configuration in force, and that is shown until one can be used.
 */
import { changeText, diffConfig } from '../domain/config-diff.js';
import { isCutShort, type FileText } from '../domain/cut-short.js';
import { concernedBy, keysThatWantRestart, type Concerned } from '../domain/concerned.js';
import type { PoolConfig } from '../domain/pool-config.js';
import { tune } from '../domain/tuning.js';
import type { CommandOutcome, PlanView, ReloadOutcome } from '../ports/control.js';
import type { ConfigReading, Outside } from '../ports/outside.js';
import type { Actor, Context, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import {
  configAddress,
  controlAddress,
  demandsAddress,
  diskimagesAddress,
  janitorAddress,
  gaugesAddress,
  poolAddress,
  providersAddress,
  publishersAddress,
  statsAddress,
  targetsAddress,
} from './addresses.js';
import type { Settings } from './settings.js';

export type ConfigMessage =
  | { readonly type: 'reload' }
  | { readonly type: 'reload-asked'; readonly replyTo: ReplyTo<ReloadOutcome> }
  | {
      readonly type: 'tune';
      readonly provider: string;
      readonly key: string;
      readonly value: number;
      readonly replyTo: ReplyTo<CommandOutcome>;
    }
  /** What its own file would change, or another one. */
  | { readonly type: 'preview'; readonly file: string | null; readonly replyTo: ReplyTo<Preview> }
  | { readonly type: 'look' }
  | { readonly type: 'looked'; readonly outcome: TaskOutcome<string> }
  | { readonly type: 'read'; readonly why: Why; readonly outcome: TaskOutcome<ConfigReading> }
  | {
      readonly type: 'previewed';
      readonly replyTo: ReplyTo<Preview>;
      readonly outcome: TaskOutcome<ConfigReading>;
    };

/** What a file would change. */
export interface Preview extends Pick<PlanView, 'changes' | 'isRefused' | 'problems'> {
  /** Null: nothing comes of it. */
  readonly config: PoolConfig | null;
}

/** Why the file is read: the daemon has started, somebody asked for it, or the file is another one. */
type Why = 'start' | 'asked' | 'changed';

export interface ConfigArgs {
  readonly outside: Outside;
  readonly settings: Settings;
}

interface ConfigState extends ConfigArgs {
  /** As the files were at the last look, and as they were when they were read. */
  stamp: string | null;
  readStamp: string | null;
  isReading: boolean;
  /** Asked while it was being read: what is read then may be older. */
  isAskedAgain: boolean;
  readonly askers: ReplyTo<ReloadOutcome>[];
  /** The file that was taken last. */
  source: FileText | null;
  /** Problems of the file in force that are in the log. */
  warnedOf: ReadonlySet<string>;
  /** Why the file is not in force. */
  refusal: readonly string[] | null;
  /** Values by provider and key. */
  readonly tuned: Map<string, number>;
}

const lookMs = 1_000;

export const configActor: Actor<ConfigMessage, ConfigState, ConfigArgs> = {
  kind: 'config',

  init(ctx, args) {
    ctx.register(configAddress);
    const state: ConfigState = {
      ...args,
      stamp: null,
      readStamp: null,
      isReading: false,
      isAskedAgain: false,
      askers: [],
      source: null,
      warnedOf: new Set(),
      refusal: null,
      tuned: new Map(),
    };
    warnOfDisabled(state, ctx);
    tellHealth(state, ctx);
    look(state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'reload':
        read('asked', state, ctx);
        return;
      case 'reload-asked':
        state.askers.push(message.replyTo);
        read('asked', state, ctx);
        return;
      case 'look':
        look(state, ctx);
        return;
      case 'looked':
        if (!message.outcome.ok) throw message.outcome.error;
        looked(message.outcome.value, state, ctx);
        return;
      case 'read':
        if (!message.outcome.ok) throw message.outcome.error;
        state.isReading = false;
        take(message.outcome.value, message.why, state, ctx);
        return;
      case 'tune':
        message.replyTo.reply(tuneProvider(message, state, ctx));
        return;
      case 'preview':
        ctx.task(
          'preview',
          () => state.outside.readConfig(message.file ?? undefined),
          outcome => ({ type: 'previewed', replyTo: message.replyTo, outcome }),
        );
        return;
      case 'previewed':
        if (!message.outcome.ok) throw message.outcome.error;
        message.replyTo.reply(preview(message.outcome.value, state));
    }
  },

  describe(state) {
    const { labels, providers, targets } = state.settings.config;
    const counts = `${labels.length} labels, ${providers.length} providers, ${targets.length} targets`;
    const trouble = troubleOf(state);
    return { state: trouble === null ? counts : `${counts}; ${trouble}` };
  },
};

// ── The file ─────────────────────────────────────────────────────────────────────────────────────────────────────

function look({ outside }: ConfigState, ctx: Context<ConfigMessage>): void {
  if (!outside.configStamp) return;
  ctx.task('look', outside.configStamp, outcome => ({ type: 'looked', outcome }));
}

function looked(stamp: string, state: ConfigState, ctx: Context<ConfigMessage>): void {
  ctx.timer('look', lookMs, { type: 'look' });
  const isStill = stamp === state.stamp;
  // The first look: it may have been written since the daemon read it.
  const isFirst = state.readStamp === null;
  state.stamp = stamp;
  if (!isFirst && (stamp === state.readStamp || !isStill)) return;
  state.readStamp = stamp;
  read(isFirst ? 'start' : 'changed', state, ctx);
}

function read(why: Why, state: ConfigState, ctx: Context<ConfigMessage>): void {
  if (state.isReading) {
    state.isAskedAgain ||= why === 'asked';
    return;
  }
  state.isReading = true;
  ctx.task(
    'read',
    () => state.outside.readConfig(),
    outcome => ({ type: 'read', why, outcome }),
  );
}

function take(reading: ConfigReading, why: Why, state: ConfigState, ctx: Context<ConfigMessage>): void {
  if (state.isAskedAgain) {
    state.isAskedAgain = false;
    read('asked', state, ctx);
    return;
  }
  const refusal = refusalOf(reading, why, state);
  if (refusal !== null || reading.kind === 'refused') {
    refuse(refusal ?? [], state, ctx);
    answer({ kind: 'refused', problems: refusal ?? [] }, state);
    return;
  }
  state.source = reading.source;
  state.refusal = null;
  state.tuned.clear();
  warnOf(reading.problems, why, state, ctx);
  const changes = putInForce(reading.config, state, ctx);
  if (why !== 'start' || changes.length > 0) tellReloaded(changes, state, ctx);
  answer({ kind: 'done', changes, problems: reading.problems }, state);
  tellHealth(state, ctx);
}

/** Each once, for as long as the file has it; those of the start are in the log already. */
function warnOf(problems: readonly string[], why: Why, state: ConfigState, ctx: Context<ConfigMessage>): void {
  for (const problem of problems) {
    if (why !== 'start' && !state.warnedOf.has(problem)) state.outside.log.warn(problem, { actor: ctx.path });
  }
  state.warnedOf = new Set(problems);
}

/** A file that has lost its end is not believed, unless somebody asked for it. */
function refusalOf(reading: ConfigReading, why: Why, { source }: ConfigState): readonly string[] | null {
  if (reading.kind === 'refused') return reading.problems;
  if (why !== 'changed' || !isCutShort(reading.source, source)) return null;
  return ['the file has lost its end, or is still being written; nodepool reload takes it as it is'];
}

function refuse(problems: readonly string[], state: ConfigState, ctx: Context<ConfigMessage>): void {
  const { outside } = state;
  for (const problem of problems) outside.log.warn(problem, { actor: ctx.path });
  outside.log.error('the configuration is refused; the old one stays in force', { actor: ctx.path });
  state.refusal = problems;
  ctx.tell(statsAddress, {
    type: 'happened',
    event: { type: 'config.refused', message: `the configuration is refused: ${summary(problems)}` },
  });
  tellHealth(state, ctx);
}

function answer(outcome: ReloadOutcome, { askers }: ConfigState): void {
  for (const replyTo of askers.splice(0)) replyTo.reply(outcome);
}

function preview(reading: ConfigReading, { settings }: ConfigState): Preview {
  const { problems } = reading;
  if (reading.kind === 'refused') return { changes: [], isRefused: true, problems, config: null };
  const changes = diffConfig(settings.config, reading.config).map(changeText);
  return { changes, isRefused: false, problems, config: changes.length === 0 ? null : reading.config };
}

// ── In force ─────────────────────────────────────────────────────────────────────────────────────────────────────

function putInForce(config: PoolConfig, state: ConfigState, ctx: Context<ConfigMessage>): string[] {
  const { settings, outside } = state;
  const before = settings.config;
  const changes = diffConfig(before, config);
  // Also where nothing changed: what is disabled may stand in another line.
  settings.replace(config);
  if (JSON.stringify(before.disabled) !== JSON.stringify(config.disabled)) warnOfDisabled(state, ctx);
  if (changes.length === 0) return [];
  outside.reconfigured(config);
  tellConcerned(concernedBy(changes, before, config), ctx);
  return changes.map(changeText);
}

function tellConcerned(concerned: Concerned, ctx: Context<ConfigMessage>): void {
  const { providers, targets } = concerned;
  if (providers.length > 0) ctx.tell(providersAddress, { type: 'reconfigured', changed: providers });
  if (targets.length > 0) ctx.tell(targetsAddress, { type: 'reconfigured', changed: targets });
  if (concerned.gearmanServers) ctx.tell(demandsAddress, { type: 'reconfigured', changed: [] });
  if (concerned.diskimages) ctx.tell(diskimagesAddress, { type: 'reconfigured', changed: [] });
  if (concerned.publishers) ctx.tell(publishersAddress, { type: 'reconfigured', changed: [] });
  ctx.tell(gaugesAddress, { type: 'reconfigured' });
  if (concerned.pool) ctx.tell(poolAddress, { type: 'reconfigured' });
  if (concerned.schedules || providers.length > 0 || targets.length > 0) {
    ctx.tell(janitorAddress, { type: 'reconfigured' });
  }
  if (concerned.control) ctx.tell(controlAddress, { type: 'serve' });
}

function tellReloaded(changes: readonly string[], { outside }: ConfigState, ctx: Context<ConfigMessage>): void {
  const what = changes.length === 0 ? 'it says the same' : summary(changes);
  const message = `the configuration was read again: ${what}`;
  outside.log.info(message, { actor: ctx.path });
  ctx.tell(statsAddress, { type: 'happened', event: { type: 'config.reloaded', message } });
}

function tuneProvider(
  wish: Extract<ConfigMessage, { type: 'tune' }>,
  state: ConfigState,
  ctx: Context<ConfigMessage>,
): CommandOutcome {
  const tuned = tune(state.settings.config, wish);
  if (tuned.kind !== 'tuned') return tuned;
  state.tuned.set(`${wish.provider} ${wish.key}`, wish.value);
  putInForce(tuned.config, state, ctx);
  tellHealth(state, ctx);
  const text = `${wish.provider} ${wish.key}=${wish.value}`;
  state.outside.log.info(`tuned until the next reload: ${text}`, { actor: ctx.path, provider: wish.provider });
  return { kind: 'done', node: null };
}

// ── What is seen of it ───────────────────────────────────────────────────────────────────────────────────────────

function warnOfDisabled({ settings, outside }: ConfigState, ctx: Context<ConfigMessage>): void {
  for (const { kind, name, reason } of settings.config.disabled) {
    outside.log.warn(`${kind} ${name} is disabled: ${reason}`, { actor: ctx.path });
  }
}

function tellHealth(state: ConfigState, ctx: Context<ConfigMessage>): void {
  ctx.tell(statsAddress, { type: 'dependency', name: 'config', reason: troubleOf(state), isVital: false });
}

function troubleOf({ refusal, settings, tuned }: ConfigState): string | null {
  const { disabled } = settings.config;
  const wantRestart = keysThatWantRestart(settings.started, settings.config);
  const tunes = [...tuned].map(([key, value]) => `${key}=${value}`);
  const parts = [
    ...(refusal === null ? [] : [`the file is refused, and what it said before stays in force: ${summary(refusal)}`]),
    ...(disabled.length === 0 ? [] : [`disabled: ${summary(disabled.map(({ reason }) => reason))}`]),
    ...(wantRestart.length === 0 ? [] : [`in force after a restart of the daemon: ${wantRestart.join(', ')}`]),
    ...(tunes.length === 0 ? [] : [`tuned until the next reload: ${tunes.join(', ')}`]),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}

/** So many of a list are told, and how many there are more. */
const toldMax = 5;

function summary(lines: readonly string[]): string {
  const more = lines.length > toldMax ? ` and ${lines.length - toldMax} more` : '';
  return `${lines.slice(0, toldMax).join('; ')}${more}`;
}
