/** A control API without a daemon: answers from what the test gives it and remembers what it was asked. */
import type { ImageName } from '../../../src/domain/snapshot-row.js';
import { Fault } from '../../../src/domain/fault.js';
import { serveControl } from '../../../src/http/serve.js';
import { History } from '../../../src/domain/history.js';
import type { StoryEntry } from '../../../src/domain/story.js';
import type {
  AlienImageView,
  AliensView,
  AlienServerView,
  CommandOutcome,
  ControlApi,
  ControlServer,
  ExplainQuery,
  ExplainView,
  HistoryView,
  ImageOutcome,
  ImageStatusView,
  ImageView,
  JobOutcome,
  JobView,
  NodeDetail,
  NodePage,
  NodeStoryView,
  NodeView,
  PlanView,
  PoolEvent,
  ProviderView,
  ReadinessView,
  ReloadOutcome,
  TreeView,
} from '../../../src/ports/control.js';

/** Nothing is wanted, and nothing would change. */
export const emptyPlan: PlanView = {
  grants: [],
  deficits: {},
  changes: [],
  isRefused: false,
  problems: [],
  effects: [],
  peaks: [],
};

/** Over a Unix socket alone. */
export function serveFake(api: ControlApi, socket: string): Promise<ControlServer> {
  const options = { socket, http: null, writeToken: null, readToken: null, version: '1.2.3', log: () => undefined };
  return serveControl(options)(api);
}

export class FakeControl implements ControlApi {
  readonly calls: unknown[][] = [];
  nodeViews: NodeView[] = [];
  imageViews: ImageView[] = [];
  /** Null: there is no such provider. */
  alienServerViews: AliensView<AlienServerView> | null = null;
  alienImageViews: AliensView<AlienImageView> | null = null;
  providerViews: ProviderView[] = [];
  story: StoryEntry[] = [];
  historyView: HistoryView = new History().view();
  root: TreeView = actor('/');
  /** Null: there is nothing of that name. */
  explainView: ExplainView | null = null;
  planView: PlanView = emptyPlan;
  ready: ReadinessView = { ready: true, dependencies: [] };
  outcome: CommandOutcome = { kind: 'done', node: null };
  imageOutcome: ImageOutcome = { kind: 'done', image: null };
  /** One after the other, the last one for ever. */
  imageStatuses: ImageStatusView[] = [];
  jobViews: JobView[] = [];
  /** What job commands come to; null: they are done. */
  jobOutcome: JobOutcome | null = null;
  reloaded: ReloadOutcome = { kind: 'done', changes: [], problems: [] };
  /** The next read rejects with it. */
  fault: Fault | null = null;
  readonly #listeners = new Set<(event: PoolEvent) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: PoolEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async tree(path: string): Promise<TreeView | null> {
    this.calls.push(['tree', path]);
    return find(this.root, path);
  }

  async nodes({ after = 0, limit }: NodePage = {}): Promise<readonly NodeView[]> {
    const { fault } = this;
    this.fault = null;
    if (fault !== null) throw fault;
    return this.nodeViews.filter(({ id }) => id > after).slice(0, limit);
  }

  async node(id: number): Promise<NodeStoryView | null> {
    const found = this.nodeViews.find(each => each.id === id);
    return found === undefined ? null : { node: { ...noDetail, ...found }, story: this.story };
  }

  async providers(): Promise<readonly ProviderView[]> {
    return this.providerViews;
  }

  async history(after: number | null): Promise<HistoryView> {
    this.calls.push(['history', after]);
    return this.historyView;
  }

  async alienServers(provider: string | null): Promise<AliensView<AlienServerView> | null> {
    this.calls.push(['alienServers', provider]);
    return this.alienServerViews;
  }

  async alienImages(provider: string | null): Promise<AliensView<AlienImageView> | null> {
    this.calls.push(['alienImages', provider]);
    return this.alienImageViews;
  }

  async images(): Promise<readonly ImageView[]> {
    return this.imageViews;
  }

  async imageStatus(name: ImageName): Promise<ImageStatusView | null> {
    this.calls.push(['imageStatus', name.provider, name.image]);
    return this.imageStatuses.length > 1 ? (this.imageStatuses.shift() ?? null) : (this.imageStatuses[0] ?? null);
  }

  async updateImage(name: ImageName): Promise<ImageOutcome> {
    this.calls.push(['updateImage', name]);
    return this.imageOutcome;
  }

  async deleteImage(id: number): Promise<ImageOutcome> {
    this.calls.push(['deleteImage', id]);
    return this.imageOutcome;
  }

  async pauseImage(name: ImageName, isPaused: boolean): Promise<ImageOutcome> {
    this.calls.push(['pauseImage', name, isPaused]);
    return this.imageOutcome;
  }

  async hold(id: number, options: { reason: string | null; forMs: number | null }): Promise<CommandOutcome> {
    this.calls.push(['hold', id, options]);
    return this.outcome;
  }

  async release(id: number): Promise<CommandOutcome> {
    this.calls.push(['release', id]);
    return this.outcome;
  }

  async delete(id: number, options: { now: boolean }): Promise<CommandOutcome> {
    this.calls.push(['delete', id, options]);
    return this.outcome;
  }

  async restart(path: string): Promise<CommandOutcome> {
    this.calls.push(['restart', path]);
    return this.outcome;
  }

  async reload(): Promise<ReloadOutcome> {
    this.calls.push(['reload']);
    return this.reloaded;
  }

  async tune(provider: string, wish: { key: string; value: number }): Promise<CommandOutcome> {
    this.calls.push(['tune', provider, wish]);
    return this.outcome;
  }

  async jobs(): Promise<readonly JobView[]> {
    return this.jobViews;
  }

  async createJob(job: { name: string; holdOnFailure: number }): Promise<JobOutcome> {
    this.calls.push(['createJob', job]);
    return this.jobOutcome ?? { kind: 'done', job: { id: 3, ...job } };
  }

  async deleteJob(id: number): Promise<JobOutcome> {
    this.calls.push(['deleteJob', id]);
    return this.jobOutcome ?? { kind: 'done', job: { id, name: 'gate', holdOnFailure: 1 } };
  }

  async explain(about: ExplainQuery): Promise<ExplainView | null> {
    this.calls.push(['explain', about]);
    return this.explainView;
  }

  async plan(demand: Readonly<Record<string, number>>, file: string | null): Promise<PlanView> {
    this.calls.push(['plan', demand, ...(file === null ? [] : [file])]);
    return this.planView;
  }

  async readiness(): Promise<ReadinessView> {
    return this.ready;
  }

  async metrics(): Promise<string> {
    return '# TYPE nodepool_nodes gauge\nnodepool_nodes 3\n';
  }

  subscribe(listener: (event: PoolEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const noDetail: Omit<NodeDetail, keyof NodeView> = {
  stepAt: null,
  sentAt: null,
  jobStartedAt: null,
  jobEndedAt: null,
  deleteAt: null,
  expiry: null,
  snapshotId: null,
  addressId: null,
  hostKey: null,
  tag: null,
  lastError: null,
  console: null,
};

export function node(id: number, patch: Partial<NodeView> = {}): NodeView {
  return {
    id,
    provider: 'rax-ord',
    az: null,
    label: 'precise',
    target: 'jenkins01',
    hostname: `precise-rax-ord-${id}.slave.openstack.org`,
    nodename: `precise-rax-ord-${id}`,
    serverId: `server-${id}`,
    ip: '203.0.113.7',
    ipPrivate: '10.0.0.7',
    state: 'ready',
    step: null,
    ageSeconds: 93_784,
    reason: null,
    subnodes: [],
    ...patch,
  };
}

export function provider(name: string, patch: Partial<ProviderView> = {}): ProviderView {
  return {
    name,
    servers: 4,
    held: 1,
    limit: 8,
    maxServers: 10,
    closedBecause: null,
    launches: { underWay: 1, waiting: 0, limit: 40 },
    deletes: { underWay: 0, waiting: 0, limit: 40 },
    calls: { underWay: 2, waiting: 3, limit: 8 },
    pace: { rateSeconds: 0.001, slowdown: 1, pauseSeconds: 0, reason: null },
    breaker: { phase: 'closed', trouble: null, callsInSeconds: 0, launchesInSeconds: 0 },
    ...patch,
  };
}

export function image(id: number, patch: Partial<ImageView> = {}): ImageView {
  return {
    id,
    provider: 'rax-ord',
    image: 'precise',
    hostname: null,
    version: 1_402_000_000,
    imageId: `image-${id}`,
    serverId: null,
    state: 'ready',
    ageSeconds: 60,
    step: null,
    standing: null,
    reason: null,
    launches: 0,
    launchFailures: 0,
    ...patch,
  };
}

export function actor(path: string, patch: Partial<TreeView> = {}): TreeView {
  return {
    path,
    kind: 'supervisor',
    state: 'running',
    mailbox: 0,
    highWater: 1,
    handled: 5,
    restarts: 0,
    failure: null,
    task: null,
    connection: null,
    children: [],
    ...patch,
  };
}

function find(root: TreeView, path: string): TreeView | null {
  if (root.path === path) return root;
  for (const child of root.children) {
    const found = find(child, path);
    if (found !== null) return found;
  }
  return null;
}
