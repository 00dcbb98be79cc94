/**
 * The answers of the control API as schemas, for its OpenAPI document: the same shapes that `ports/control` names. The
 * types hold them together in both directions, so that neither can have a field that the other has not.
 */
import { z } from 'zod';
import type { PlannedEffect, ProviderPeak } from '../domain/config-effects.js';
import type {
  ExplainedRefusal,
  ImageTrouble,
  LabelExplanation,
  ProviderExplanation,
  Waiting,
} from '../domain/explain.js';
import type { FailedLaunch } from '../domain/failed-launches.js';
import type { LedgerEntry } from '../domain/ledger.js';
import type { LabelOutcome, ProviderRoom, Refusal } from '../domain/round.js';
import { nodeStates } from '../domain/states.js';
import type { StoryEntry } from '../domain/story.js';
import type * as views from '../ports/control.js';
import type { Problem } from './control-error.js';

/** Under which name the document has each. */
export const viewNames = z.registry<{ id: string; description?: string }>();

type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;

/** Gives a name to the schema of a view. What it accepts and what the view may be is the same, or it does not compile. */
function view<View>(id: string, description?: string) {
  return <Schema extends z.ZodType<View>>(
    schema: Schema & (Plain<View> extends z.output<Schema> ? unknown : never),
  ): z.ZodType<View> => {
    const named: z.ZodType<View> = schema;
    viewNames.add(named, description === undefined ? { id } : { id, description });
    return named;
  };
}

const text = z.string();
const maybeText = text.nullable();
const int = z.int().min(0);
const maybeNumber = z.number().nullable();
const time = z.number().describe('Epoch milliseconds.');
const maybeTime = time.nullable();

export const problemView = view<Problem>(
  'Problem',
  'What went wrong, and what to do (RFC 9457).',
)(
  z.object({
    type: z.literal('about:blank'),
    title: text,
    status: int,
    detail: text,
    next: z.exactOptional(text),
  }),
);

const subnode = view<views.SubnodeView>('Subnode')(
  z.object({ id: int, serverId: maybeText, hostname: maybeText, ip: maybeText, state: text, step: maybeText }),
);

const nodeShape = {
  id: int,
  provider: text,
  az: maybeText,
  label: text,
  target: text,
  hostname: maybeText,
  nodename: maybeText,
  serverId: maybeText,
  ip: maybeText,
  ipPrivate: maybeText,
  state: text,
  step: maybeText,
  ageSeconds: z.number(),
  reason: maybeText,
  subnodes: z.array(subnode).readonly(),
};

export const nodeView = view<views.NodeView>('Node')(z.object(nodeShape));

const nodeDetail = view<views.NodeDetail>(
  'NodeDetail',
  'A node with all that its row tells.',
)(
  z.object({
    ...nodeShape,
    stepAt: maybeTime,
    sentAt: maybeTime,
    jobStartedAt: maybeTime,
    jobEndedAt: maybeTime,
    deleteAt: maybeTime,
    expiry: maybeTime,
    snapshotId: int.nullable(),
    addressId: maybeText,
    hostKey: maybeText,
    tag: maybeText,
    lastError: maybeText,
    console: maybeText,
  }),
);

const storyEntry = view<StoryEntry>(
  'StoryEntry',
  'A thing that became of a node, or a call to the outside that was made for it.',
)(
  z.union([
    z.object({ at: time, kind: z.enum(['found', 'state', 'step', 'fact', 'fault', 'gone']), what: text }),
    z.object({
      at: time,
      kind: z.literal('call'),
      what: text,
      subnode: int.nullable(),
      waitedMs: z.number(),
      ms: z.number(),
      isOk: z.boolean(),
      result: maybeText,
    }),
  ]),
);

export const nodeStoryView = view<views.NodeStoryView>('NodeStory')(
  z.object({ node: nodeDetail.nullable(), story: z.array(storyEntry).readonly() }),
);

export const imageView = view<views.ImageView>('Image')(
  z.object({
    id: int,
    provider: text,
    image: text,
    hostname: maybeText,
    version: int.nullable(),
    imageId: maybeText,
    serverId: maybeText,
    state: text,
    ageSeconds: z.number(),
    step: maybeText,
    standing: maybeText,
    reason: maybeText,
    launches: int,
    launchFailures: int,
    progress: z.exactOptional(maybeText),
  }),
);

export const imageStatusView = view<views.ImageStatusView>('ImageStatus')(
  z.object({
    provider: text,
    image: text,
    current: imageView.nullable(),
    candidate: imageView.nullable(),
    building: z.array(imageView).readonly(),
    isPaused: z.boolean(),
    plan: text,
    restsUntil: maybeTime,
    lastBuild: z.object({ id: int, isReady: z.boolean(), reason: maybeText, at: time }).nullable(),
  }),
);

const trouble = z.object({ provider: text, reason: text, next: text });

const alienServer = view<views.AlienServerView>('AlienServer')(
  z.object({ provider: text, hostname: text, serverId: text, ip: maybeText, status: text, mark: maybeText }),
);

const alienImage = view<views.AlienImageView>('AlienImage')(
  z.object({ provider: text, name: text, imageId: text, status: text, mark: maybeText }),
);

export const alienServersView = view<views.AliensView<views.AlienServerView>>('AlienServers')(
  z.object({ aliens: z.array(alienServer).readonly(), troubles: z.array(trouble).readonly() }),
);

export const alienImagesView = view<views.AliensView<views.AlienImageView>>('AlienImages')(
  z.object({ aliens: z.array(alienImage).readonly(), troubles: z.array(trouble).readonly() }),
);

export const jobView = view<views.JobView>(
  'Job',
  'A job of which nodes are kept when it fails.',
)(z.object({ id: int, name: text, holdOnFailure: int }));

export const treeView = view<views.TreeView>(
  'Actor',
  'An actor, and those below it.',
)(
  z.object({
    path: text,
    kind: text,
    state: text,
    mailbox: int,
    highWater: int,
    handled: int,
    restarts: int,
    failure: z.object({ message: text, at: time, count: int }).nullable(),
    task: z.object({ name: text, ageSeconds: z.number() }).nullable(),
    connection: z.object({ state: z.enum(['held', 'waiting']), ageSeconds: z.number() }).nullable(),
    get children(): z.ZodType<readonly views.TreeView[]> {
      return z.array(treeView).readonly();
    },
  }),
);

const work = view<views.WorkView>('Work')(z.object({ underWay: int, waiting: int, limit: int }));

export const providerView = view<views.ProviderView>('Provider')(
  z.object({
    name: text,
    servers: int,
    held: int,
    limit: z.number(),
    maxServers: z.number(),
    closedBecause: maybeText,
    launches: work.nullable(),
    deletes: work.nullable(),
    calls: work.nullable(),
    pace: z
      .object({ rateSeconds: z.number(), slowdown: z.number(), pauseSeconds: z.number(), reason: maybeText })
      .nullable(),
    breaker: z
      .object({
        phase: z.enum(['closed', 'open', 'half-open']),
        trouble: maybeText,
        callsInSeconds: z.number(),
        launchesInSeconds: z.number(),
      })
      .nullable(),
  }),
);

const column = z.array(z.number()).readonly();
const gappyColumn = z.array(maybeNumber).readonly();

export const historyView = view<views.HistoryView>(
  'History',
  'Columns of equal length, one place for each mark.',
)(
  z.object({
    everySeconds: z.number(),
    at: column,
    nodes: z.record(z.enum(nodeStates), column),
    waiting: z.record(text, gappyColumn),
    launched: column,
    failed: column,
    launchP50Seconds: gappyColumn,
    launchP99Seconds: gappyColumn,
  }),
);

const effect = view<PlannedEffect>(
  'PlannedEffect',
  'What a changed configuration will do to what runs.',
)(z.object({ effect: z.enum(['start', 'stop', 'drain', 'build', 'rebuild', 'restart']), what: text, detail: text }));

const peak = view<ProviderPeak>(
  'ProviderPeak',
  'The most servers that a provider comes to.',
)(
  z.object({
    provider: text,
    servers: int,
    launched: int,
    templates: int,
    peak: int,
    maxServers: z.number(),
  }),
);

export const planView = view<views.PlanView>('Plan')(
  z.object({
    grants: z.array(z.object({ label: text, provider: text, target: text, count: int })).readonly(),
    deficits: z.record(text, z.number()),
    changes: z.array(text).readonly(),
    isRefused: z.boolean(),
    problems: z.array(text).readonly(),
    effects: z.array(effect).readonly(),
    peaks: z.array(peak).readonly(),
  }),
);

export const readinessView = view<views.ReadinessView>('Readiness')(
  z.object({
    ready: z.boolean(),
    dependencies: z
      .array(z.object({ name: text, ok: z.boolean(), reason: maybeText, ageSeconds: z.number() }))
      .readonly(),
  }),
);

export const poolEvent = view<views.PoolEvent>(
  'Event',
  'One thing that happened; each is the data of one frame.',
)(
  z.object({
    at: time,
    type: text,
    message: text,
    node: z.exactOptional(int),
    provider: z.exactOptional(text),
    label: z.exactOptional(text),
    target: z.exactOptional(text),
  }),
);

// ── Why nodes are or are not launched ────────────────────────────────────────────────────────────────────────────

const refusalReason = z.enum([
  'disabled',
  'no-online-target',
  'not-configured',
  'provider-closed',
  'no-image',
  'max-servers',
  'quota',
  'max-cores-or-ram',
  'no-capacity',
  'reserve-gives-way',
  'shared-out',
  'saved-for-group',
]);
const waitsFor = z.enum([
  'database',
  'launch-permit',
  'delete-permit',
  'connection',
  'rest',
  'step',
  'test-job',
  'job',
  'job-end',
  'delete-delay',
  'release',
  'nothing',
]);
const refusalShape = { label: text, reason: refusalReason, provider: maybeText, detail: text, until: maybeTime };
const refusal = view<Refusal>('Refusal')(z.object(refusalShape));
const explainedRefusal = view<ExplainedRefusal>('ExplainedRefusal')(z.object({ ...refusalShape, next: text }));

const waiting = view<Waiting>(
  'Waiting',
  'Nodes under way that wait for the same thing.',
)(
  z.object({
    waitsFor,
    provider: text,
    step: maybeText,
    count: int,
    secondsMax: z.number(),
    detail: text,
    next: text,
  }),
);

const labelOutcome = view<LabelOutcome>(
  'LabelOutcome',
  'What came of one label in a round.',
)(
  z.object({
    label: text,
    minReady: z.number(),
    waiting: z.number(),
    stock: z.number(),
    wanted: z.number(),
    deficit: z.number(),
    granted: z.number(),
  }),
);

const providerRoom = view<ProviderRoom>(
  'ProviderRoom',
  'The room in one provider before a round gave it away.',
)(
  z.object({
    provider: text,
    servers: z.number(),
    held: z.number(),
    leaked: z.number().describe('Servers without a row, beside `servers`.'),
    limit: z.number(),
    maxServers: z.number(),
  }),
);

const imageTrouble = view<ImageTrouble>(
  'ImageTrouble',
  'What is wrong with an image from which nodes may be launched all the same.',
)(z.object({ image: text, provider: text, detail: text, next: text }));

const failedLaunch = view<FailedLaunch>(
  'FailedLaunch',
  'The last of a row of launches that failed, where none has worked since.',
)(
  z.object({
    label: text,
    provider: text,
    node: int,
    at: z.number(),
    inARow: int,
    detail: text,
    next: text,
  }),
);

const labelExplanation = view<LabelExplanation>('LabelExplanation')(
  z.object({
    label: text,
    verdict: text,
    figures: labelOutcome.nullable(),
    refusals: z.array(explainedRefusal).readonly(),
    images: z.array(imageTrouble).readonly(),
    failures: z.array(failedLaunch).readonly(),
    underWay: z.array(waiting).readonly(),
  }),
);

const providerExplanation = view<ProviderExplanation>('ProviderExplanation')(
  z.object({
    provider: text,
    verdict: text,
    room: providerRoom.nullable(),
    refusals: z.array(explainedRefusal).readonly(),
    failures: z.array(failedLaunch).readonly(),
    underWay: z.array(waiting).readonly(),
  }),
);

const nodeExplanation = view<views.NodeExplanation>('NodeExplanation')(
  z.object({
    id: int,
    label: text,
    provider: text,
    state: text,
    step: maybeText,
    since: time,
    lastError: maybeText,
    waitsFor,
    until: maybeTime,
    detail: text,
    next: text,
    story: z.array(storyEntry).readonly(),
  }),
);

const ledgerEntry = view<LedgerEntry>(
  'Rounds',
  'Rounds in a row that refuse the same for the same reasons.',
)(
  z.object({
    at: time,
    until: time,
    rounds: int,
    sampledAt: maybeTime,
    labels: z.array(labelOutcome).readonly(),
    refusals: z.array(refusal).readonly(),
    providers: z.array(providerRoom).readonly(),
  }),
);

export const explainView = view<views.ExplainView>('Explanation')(
  z.object({
    at: time,
    roundAt: maybeTime,
    sampledAt: maybeTime,
    labels: z.array(labelExplanation).readonly(),
    providers: z.array(providerExplanation).readonly(),
    node: nodeExplanation.nullable(),
    rounds: z.array(ledgerEntry).readonly(),
  }),
);
