import type { PlannedEffect, ProviderPeak } from '../domain/config-effects.js';
import type { LabelExplanation, ProviderExplanation } from '../domain/explain.js';
import type { LedgerEntry } from '../domain/ledger.js';
import type { Situation } from '../domain/situation.js';
import type { ImageName } from '../domain/snapshot-row.js';
import type { NodeState } from '../domain/states.js';
import type { StoryEntry } from '../domain/story.js';

/**
 * What the outside may ask of the daemon: the control actor implements it, `src/http` serves it, the CLI calls it.
 * The views are the JSON of DESIGN 5.
 */
export interface ControlApi extends ImageApi, LookApi, AlienApi, ExplainApi {
  /** Null: no actor has this path. */
  tree(path: string): Promise<TreeView | null>;
  /** Ordered by id. `after`: only those with a greater id; `limit`: at most so many. */
  nodes(page?: NodePage): Promise<readonly NodeView[]>;
  hold(id: number, options: { readonly reason: string | null; readonly forMs: number | null }): Promise<CommandOutcome>;
  release(id: number): Promise<CommandOutcome>;
  /** `now` does not wait for a delete permit. */
  delete(id: number, options: { readonly now: boolean }): Promise<CommandOutcome>;
  restart(path: string): Promise<CommandOutcome>;
  /** Reads the configuration again, and puts it in force. */
  reload(): Promise<ReloadOutcome>;
  /** Changes one key of a provider until the next reload. */
  tune(provider: string, wish: { readonly key: string; readonly value: number }): Promise<CommandOutcome>;
  /** Jobs of which nodes are kept when they fail. */
  jobs(): Promise<readonly JobView[]>;
  createJob(job: { readonly name: string; readonly holdOnFailure: number }): Promise<JobOutcome>;
  deleteJob(id: number): Promise<JobOutcome>;
  /** `file`: what that file would change, on the daemon's machine; null: the daemon's own. */
  plan(demand: Readonly<Record<string, number>>, file: string | null): Promise<PlanView>;
  readiness(): Promise<ReadinessView>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Calls the listener for every event until the returned function is called. */
  subscribe(listener: (event: PoolEvent) => void): () => void;
}

/** What the clouds have and no row names. Null: there is no such provider. */
export interface AlienApi {
  alienServers(provider: string | null): Promise<AliensView<AlienServerView> | null>;
  alienImages(provider: string | null): Promise<AliensView<AlienImageView> | null>;
}

export interface AliensView<Alien> {
  readonly aliens: readonly Alien[];
  /** Providers that could not be asked. */
  readonly troubles: readonly { readonly provider: string; readonly reason: string; readonly next: string }[];
}

export interface AlienServerView {
  readonly provider: string;
  readonly hostname: string;
  readonly serverId: string;
  readonly ip: string | null;
  readonly status: string;
  /** Of this daemon or of another; null: it was not made by one. */
  readonly mark: string | null;
}

export interface AlienImageView {
  readonly provider: string;
  readonly name: string;
  readonly imageId: string;
  readonly status: string;
  readonly mark: string | null;
}

/** What the live page looks at. */
export interface LookApi {
  /** Those of the configuration. */
  providers(): Promise<readonly ProviderView[]>;
  /** The marks after this time, epoch milliseconds; null: all that are kept. */
  history(after: number | null): Promise<HistoryView>;
  /** Null: there is none, and there was none of late. */
  node(id: number): Promise<NodeStoryView | null>;
}

/** Why nodes are or are not launched. */
export interface ExplainApi {
  /** Null: there is no such label, provider or node. */
  explain(about: ExplainQuery): Promise<ExplainView | null>;
}

/** About one thing, or about all labels. */
export interface ExplainQuery {
  readonly label?: string;
  readonly provider?: string;
  readonly node?: number;
  /** Rounds after this time, epoch milliseconds; absent: the last round alone. */
  readonly since?: number;
}

export interface ExplainView {
  readonly at: number;
  /** When the last round was decided; null: none since the daemon started. */
  readonly roundAt: number | null;
  /** When the demand that it saw was sampled; null: unknown, and only min-ready counts. */
  readonly sampledAt: number | null;
  readonly labels: readonly LabelExplanation[];
  readonly providers: readonly ProviderExplanation[];
  readonly node: NodeExplanation | null;
  /** Oldest first. */
  readonly rounds: readonly LedgerEntry[];
}

export interface NodeExplanation extends Situation {
  readonly id: number;
  readonly label: string;
  readonly provider: string;
  readonly state: string;
  readonly step: string | null;
  /** Since when it is in this step, or else in this state; epoch milliseconds. */
  readonly since: number;
  readonly lastError: string | null;
  readonly story: readonly StoryEntry[];
}

export interface NodePage {
  readonly after?: number;
  readonly limit?: number;
}

/** Images, by provider and name as the configuration has them, or by the id of a snapshot. */
export interface ImageApi {
  images(): Promise<readonly ImageView[]>;
  /** Null: there is no such image. */
  imageStatus(image: ImageName): Promise<ImageStatusView | null>;
  /** Begins a build, or joins the one that is under way; answers with its row. */
  updateImage(image: ImageName): Promise<ImageOutcome>;
  /** Answers once the row says so: the image and its template server go when nobody needs them. */
  deleteImage(id: number): Promise<ImageOutcome>;
  /** Stops or resumes builds, until the contrary is asked. */
  pauseImage(image: ImageName, isPaused: boolean): Promise<ImageOutcome>;
}

/** Starts serving; resolves when the socket answers. */
export type ServeControl = (api: ControlApi) => Promise<ControlServer>;

export interface ControlServer {
  readonly socket: string;
  /** Null without `control.http`. */
  readonly url: string | null;
  close(): Promise<void>;
}

export type CommandOutcome =
  | { readonly kind: 'done'; readonly node: NodeView | null }
  /** `next`: what the operator should do. */
  | { readonly kind: 'not-found' | 'refused'; readonly message: string; readonly next: string }
  | { readonly kind: 'failed'; readonly message: string };

export type ImageOutcome =
  { readonly kind: 'done'; readonly image: ImageView | null } | Exclude<CommandOutcome, { readonly kind: 'done' }>;

/** With the job that was created, or deleted. */
export type JobOutcome =
  { readonly kind: 'done'; readonly job: JobView } | Exclude<CommandOutcome, { readonly kind: 'done' }>;

export interface JobView {
  readonly id: number;
  readonly name: string;
  readonly holdOnFailure: number;
}

export type ReloadOutcome =
  /** What is different now, for people; nothing where the file says the same. */
  | { readonly kind: 'done'; readonly changes: readonly string[]; readonly problems: readonly string[] }
  /** The old configuration stays in force. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

export interface NodeView {
  readonly id: number;
  readonly provider: string;
  readonly az: string | null;
  readonly label: string;
  readonly target: string;
  readonly hostname: string | null;
  readonly nodename: string | null;
  readonly serverId: string | null;
  readonly ip: string | null;
  readonly ipPrivate: string | null;
  readonly state: string;
  readonly step: string | null;
  readonly ageSeconds: number;
  /** Why it is held, or what went wrong last. */
  readonly reason: string | null;
  readonly subnodes: readonly SubnodeView[];
}

/** One node with all that its row tells. Times are epoch milliseconds. */
export interface NodeDetail extends NodeView {
  /** When the step in hand began. */
  readonly stepAt: number | null;
  /** When its server was asked for. */
  readonly sentAt: number | null;
  readonly jobStartedAt: number | null;
  readonly jobEndedAt: number | null;
  /** The end of its delete delay. */
  readonly deleteAt: number | null;
  /** The end of its hold. */
  readonly expiry: number | null;
  /** The snapshot image that it boots from; null: an image of the cloud. */
  readonly snapshotId: number | null;
  /** The cloud's id of its floating address. */
  readonly addressId: string | null;
  readonly hostKey: string | null;
  /** Our mark on what was made for it in the cloud. */
  readonly tag: string | null;
  /** What went wrong last. */
  readonly lastError: string | null;
  /** The last that the machine wrote on its console before its launch failed. */
  readonly console: string | null;
}

/** One node and what became of it since the daemon started. */
export interface NodeStoryView {
  /** Null: it is gone. */
  readonly node: NodeDetail | null;
  readonly story: readonly StoryEntry[];
}

export interface SubnodeView {
  readonly id: number;
  readonly serverId: string | null;
  readonly hostname: string | null;
  readonly ip: string | null;
  readonly state: string;
  readonly step: string | null;
}

export interface ImageView {
  readonly id: number;
  readonly provider: string;
  readonly image: string;
  readonly hostname: string | null;
  readonly version: number | null;
  readonly imageId: string | null;
  readonly serverId: string | null;
  readonly state: string;
  readonly ageSeconds: number;
  readonly step: string | null;
  /** `trial` while its canaries are launched, `set-back` when too many of them failed. */
  readonly standing: string | null;
  /** Why it stands as it does, or what went wrong last. */
  readonly reason: string | null;
  readonly launches: number;
  readonly launchFailures: number;
  /** How far the step in hand has come; absent where nobody knows. */
  readonly progress?: string | null;
}

/** What becomes of one image. */
export interface ImageStatusView {
  readonly provider: string;
  readonly image: string;
  /** What nodes are launched from. */
  readonly current: ImageView | null;
  /** On trial. */
  readonly candidate: ImageView | null;
  readonly building: readonly ImageView[];
  readonly isPaused: boolean;
  /** Why it is built next, or is not. */
  readonly plan: string;
  /** Until then it is left alone after failed builds, epoch milliseconds. */
  readonly restsUntil: number | null;
  readonly lastBuild: {
    readonly id: number;
    readonly isReady: boolean;
    readonly reason: string | null;
    readonly at: number;
  } | null;
}

export interface TreeView {
  readonly path: string;
  readonly kind: string;
  readonly state: string;
  readonly mailbox: number;
  readonly highWater: number;
  readonly handled: number;
  readonly restarts: number;
  readonly failure: { readonly message: string; readonly at: number; readonly count: number } | null;
  readonly task: { readonly name: string; readonly ageSeconds: number } | null;
  readonly connection: { readonly state: 'held' | 'waiting'; readonly ageSeconds: number } | null;
  readonly children: readonly TreeView[];
}

/** One provider in numbers. What is null did not answer in time. */
export interface ProviderView {
  readonly name: string;
  /** In use, those of held nodes among them. */
  readonly servers: number;
  readonly held: number;
  /** max-servers, or what the cloud's quota leaves of it. */
  readonly limit: number;
  readonly maxServers: number;
  /** Why nothing is launched here; null: it may be. */
  readonly closedBecause: string | null;
  readonly launches: WorkView | null;
  readonly deletes: WorkView | null;
  readonly calls: WorkView | null;
  readonly pace: {
    /** Between two calls, as it is now. */
    readonly rateSeconds: number;
    /** 1: as configured; 4: four times as slow. */
    readonly slowdown: number;
    readonly pauseSeconds: number;
    readonly reason: string | null;
  } | null;
  readonly breaker: {
    readonly phase: 'closed' | 'open' | 'half-open';
    readonly trouble: string | null;
    readonly callsInSeconds: number;
    readonly launchesInSeconds: number;
  } | null;
}

/** How much of something is under way, waits, and may be under way at once. */
export interface WorkView {
  readonly underWay: number;
  readonly waiting: number;
  readonly limit: number;
}

/** The last hours: columns of equal length, one place for each mark. */
export interface HistoryView {
  /** Between two marks. */
  readonly everySeconds: number;
  /** Epoch milliseconds, ascending. */
  readonly at: readonly number[];
  readonly nodes: Readonly<Record<NodeState, readonly number[]>>;
  /** Jobs that wait, by label; null: unknown. */
  readonly waiting: Readonly<Record<string, readonly (number | null)[]>>;
  /** Since the mark before. */
  readonly launched: readonly number[];
  readonly failed: readonly number[];
  /** Of the launches of the last five minutes; null: there were none. */
  readonly launchP50Seconds: readonly (number | null)[];
  readonly launchP99Seconds: readonly (number | null)[];
}

export interface PlanView {
  readonly grants: readonly {
    readonly label: string;
    readonly provider: string;
    readonly target: string;
    readonly count: number;
  }[];
  readonly deficits: Readonly<Record<string, number>>;
  /** What the configuration file says otherwise than what is in force, for people. */
  readonly changes: readonly string[];
  /** Whether the file cannot be used, so that nothing of it would come into force. */
  readonly isRefused: boolean;
  /** What is wrong with the file, as `config-validate` prints it; some of it disables a part alone, or warns. */
  readonly problems: readonly string[];
  /** What that will do to what runs. */
  readonly effects: readonly PlannedEffect[];
  /** The most servers that each provider comes to: by the next round, and by the builds that the changes begin. */
  readonly peaks: readonly ProviderPeak[];
}

export interface ReadinessView {
  readonly ready: boolean;
  readonly dependencies: readonly {
    /** Path of the actor that keeps it. */
    readonly name: string;
    readonly ok: boolean;
    /** Null while all is well. */
    readonly reason: string | null;
    readonly ageSeconds: number;
  }[];
}

/** One thing that happened, for the event stream: JSON of small, flat fields. */
export interface PoolEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  /** For example `node.ready`, `node.launch-failed`, `cloud.fault`. */
  readonly type: string;
  readonly message: string;
  readonly node?: number;
  readonly provider?: string;
  readonly label?: string;
  readonly target?: string;
}
