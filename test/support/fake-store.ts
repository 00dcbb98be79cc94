/**
 * A database in memory that keeps the promises of `StorePort`, for scenarios in virtual time. Deterministic: every call
 * settles in the microtasks that follow it, or when `turn` lets it.
 *
 *     const store = new FakeStore({ now });
 *     store.next('changeNode', new Fault('store.refused', 'disk full'));   // the next call fails and does nothing
 *     store.loseReply('changeNode');                                       // the next call succeeds, its answer is lost
 *     store.away(); store.back();                                          // the server stops and comes back
 */
import assert from 'node:assert/strict';
import { Fault } from '../../src/domain/fault.js';
import {
  installation,
  nodeId,
  snapshotId,
  subnodeId,
  watchedJobId,
  type NodeId,
  type NodeName,
  type SnapshotId,
  type SubnodeId,
  type Tag,
  type WatchedJobId,
} from '../../src/domain/ids.js';
import type { NewNode, NodeRow, SubnodePatch, SubnodeRow } from '../../src/domain/node-row.js';
import { fitted, patched } from '../../src/domain/patch.js';
import type { ImageName, NewSnapshot, SnapshotRow } from '../../src/domain/snapshot-row.js';
import type { NodeState } from '../../src/domain/states.js';
import type { Changed, LedgerRow, LockHolder, Session, Slot, StorePort, StoreStart } from '../../src/ports/store.js';
import type { WatchedJob } from '../../src/domain/watched-job.js';
import { emptySnapshot } from './snapshot-row.js';

export type StoreMethod = keyof Session | 'start' | 'attach' | 'probe' | 'openSlot' | 'closeSlot';

/** What befalls one call: no effect and a fault, the effect without its answer, or the effect and its answer late. */
export type StoreTrouble = Fault | 'lose-reply' | { readonly stallMs: number };

export interface FakeStoreOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What stores have in common that are opened on one database; a database of its own by default. */
  readonly database?: FakeDatabase;
  readonly connectionsAllowed?: number;
  /** Awaited before and after each call, so that a scheduler decides when it happens and when its answer arrives. */
  readonly turn?: (method: StoreMethod, stallMs?: number) => Promise<void>;
}

/** The rows, and who holds the lock. Outlives the stores opened on it, as a database outlives a daemon. */
export class FakeDatabase {
  readonly nodes = new Map<NodeId, NodeRow>();
  readonly snapshots = new Map<SnapshotId, SnapshotRow>();
  readonly paused = new Map<string, ImageName>();
  readonly watchedJobs = new Map<WatchedJobId, WatchedJob>();
  readonly ledger = new Map<number, LedgerRow>();
  readonly installation = installation('fake');
  /** What closes each slot that is open. */
  readonly slots = new Set<() => Promise<void>>();
  isAway = false;
  isReadOnly = false;
  /** Whether a store was ever started on it. */
  isMade = false;
  lock: { readonly owner: FakeStore; readonly text: string; readonly lose: () => void } | null = null;
  #lastId = 0;
  #lastConnection = 0;

  /** Above this one. */
  nextId(above = 0): number {
    return (this.#lastId = Math.max(this.#lastId, above) + 1);
  }

  /** What loses all that was committed since to nodes and images, with the ids that were given. */
  mark(): () => void {
    const lastId = this.#lastId;
    const nodes = [...this.nodes];
    const snapshots = [...this.snapshots];
    return () => {
      this.#lastId = lastId;
      fill(this.nodes, nodes);
      fill(this.snapshots, snapshots);
    };
  }

  nextConnection(): string {
    return String((this.#lastConnection += 1));
  }

  /** Whatever has this id, and that it was given. */
  lose(id: number): void {
    this.nodes.delete(nodeId(id));
    this.snapshots.delete(snapshotId(id));
    for (const row of this.nodes.values()) {
      this.nodes.set(row.id, { ...row, subnodes: row.subnodes.filter(subnode => Number(subnode.id) !== id) });
    }
    this.#lastId = id - 1;
  }

  addNode(row: Partial<NodeRow> & Pick<NodeRow, 'provider' | 'label' | 'target' | 'state' | 'stateTime'>): NodeRow {
    const node = { ...emptyNode, ...row, id: row.id ?? nodeId(this.nextId()) };
    this.nodes.set(node.id, node);
    return node;
  }

  addSubnode(node: NodeId, subnode: Partial<Omit<SubnodeRow, 'nodeId'>> & Pick<SubnodeRow, 'state' | 'stateTime'>) {
    const row = this.nodes.get(node);
    assert(row !== undefined, `there is no node ${String(node)}`);
    const added = { ...emptySubnode, id: subnodeId(this.nextId()), ...subnode, nodeId: node };
    this.nodes.set(node, { ...row, subnodes: [...row.subnodes, added] });
  }

  addSnapshot(
    row: Partial<SnapshotRow> & Pick<SnapshotRow, 'provider' | 'image' | 'state' | 'stateTime'>,
  ): SnapshotRow {
    const snapshot = { ...emptySnapshot, ...row, id: row.id ?? snapshotId(this.nextId()) };
    this.snapshots.set(snapshot.id, snapshot);
    return snapshot;
  }
}

function fill<Id, Row>(rows: Map<Id, Row>, entries: readonly (readonly [Id, Row])[]): void {
  rows.clear();
  for (const [id, row] of entries) rows.set(id, row);
}

export class FakeStore implements StorePort {
  readonly database: FakeDatabase;
  readonly shared: Session;
  readonly unreadTags = new Set<string>();
  /** The name of each call, in order. */
  readonly calls: StoreMethod[] = [];
  /** How long the server takes to close a connection. */
  closeMs: number | undefined;
  /** The most slots of one daemon that were not closed at any time. */
  slotsPeak = 0;
  /** Whose rows were asked for, each time. */
  readonly targetsRead: string[] = [];
  /** What befalls a call of which nothing was said. */
  whim: (method: StoreMethod) => StoreTrouble | null = () => null;
  readonly #options: FakeStoreOptions;
  readonly #faults: { readonly method: StoreMethod; readonly fault: Fault }[] = [];
  readonly #lostReplies: StoreMethod[] = [];
  readonly #inDoubt = new Map<string, string>();
  /** By whatever was asked of this store; ids are of one sequence. */
  readonly #deleted = new Set<number>();
  /** The highest id that was given or read. */
  #highestId = 0;
  readonly #killed = new Set<string>();
  readonly #underWay = new Set<Promise<Slot>>();
  #slots = new Set<() => Promise<void>>();
  #isClosed = false;
  #poisoned: NodeId | null = null;
  #stallMs: number | null = null;
  /** The lock that it took last. */
  #holding: FakeDatabase['lock'] = null;
  #stallAnswerMs: number | null = null;

  constructor(options: FakeStoreOptions) {
    this.#options = options;
    this.database = options.database ?? new FakeDatabase();
    this.shared = this.#session(() => undefined);
  }

  next(method: StoreMethod, fault: Fault): void {
    this.#faults.push({ method, fault });
  }

  loseReply(method: StoreMethod): void {
    this.#lostReplies.push(method);
  }

  /** The server stops: every call is `store.away`, the connections and the lock are gone. */
  away(): void {
    this.database.isAway = true;
    this.loseLock();
  }

  back(): void {
    this.database.isAway = false;
  }

  /** The connection that holds the lock dies. */
  loseLock(): void {
    const { lock } = this.database;
    this.database.lock = null;
    lock?.lose();
  }

  /** The daemon dies, and its connections with it. */
  die(): void {
    this.loseLock();
    for (const slot of this.#slots) this.database.slots.delete(slot);
    this.#slots = new Set();
  }

  /** The slot's next call is `store.away`; the one after has a new connection. */
  killConnection(connection: string): void {
    this.#killed.add(connection);
  }

  /** Every change of this row throws what is no fault: a bug, as its actor meets it. Null heals it. */
  poison(id: NodeId | null): void {
    this.#poisoned = id;
  }

  /** The next change of a row takes so long, which is `turn`'s to keep: the caller sees nothing meanwhile. */
  stall(ms: number): void {
    this.#stallMs = ms;
  }

  /** The next change of a row takes effect, and its answer takes so long. */
  stallAnswer(ms: number): void {
    this.#stallAnswerMs = ms;
  }

  /** The process ends that remembers what it asked for. */
  forget(): void {
    this.#deleted.clear();
    this.#inDoubt.clear();
    this.#highestId = 0;
  }

  isDeleted(id: NodeId | SnapshotId): boolean {
    return this.#deleted.has(id);
  }

  start(holder: LockHolder): Promise<StoreStart> {
    this.#isClosed = false;
    return this.#call('start', () => {
      const { lock } = this.database;
      if (lock !== null && lock.owner !== this) throw new Fault('store.locked', `fake is in use by ${lock.text}`);
      this.database.isMade = true;
      const since = new Date(this.#options.now()).toISOString();
      const text = `the daemon on ${holder.host}, pid ${String(holder.pid)}, socket ${holder.socket}, since ${since}`;
      const lockLost = new Promise<void>(lose => (this.database.lock = { owner: this, text, lose }));
      this.#holding = this.database.lock;
      return {
        server: 'fake 1 at memory',
        connectionsAllowed: this.#options.connectionsAllowed ?? 150,
        installation: this.database.installation,
        lockLost,
      };
    });
  }

  attach(): Promise<void> {
    this.#isClosed = false;
    return this.#call('attach', () => {
      if (!this.database.isMade) throw new Fault('store.empty', 'there is no database of nodepool yet');
    });
  }

  probe(): Promise<void> {
    return this.#call('probe', () => undefined);
  }

  openSlot(): Promise<Slot> {
    const opened = this.#openSlot();
    this.#underWay.add(opened);
    const settled = (): void => void this.#underWay.delete(opened);
    opened.then(settled, settled);
    return opened;
  }

  async #openSlot(): Promise<Slot> {
    let opened: Slot | null = null;
    const slots = this.#slots;
    try {
      return await this.#call('openSlot', () => (opened = this.#newSlot(slots)));
    } catch (error) {
      // One that nobody gets is closed.
      await (opened as Slot | null)?.close();
      throw error;
    }
  }

  /** Into the slots of the daemon that asked for it. */
  #newSlot(slots: Set<() => Promise<void>>): Slot {
    let connection = this.database.nextConnection();
    let isOpen = true;
    const session = this.#session(() => {
      if (!isOpen) throw new Fault('store.stopped', 'the store is closed');
      if (!this.#killed.delete(connection)) return;
      connection = this.database.nextConnection();
      throw new Fault('store.away', 'Connection terminated unexpectedly');
    });
    const close = async () => {
      isOpen = false;
      await this.#options.turn?.('closeSlot', this.closeMs);
      this.database.slots.delete(close);
      slots.delete(close);
    };
    slots.add(close);
    this.database.slots.add(close);
    this.slotsPeak = Math.max(this.slotsPeak, this.#slots.size);
    return {
      ...session,
      get connection() {
        return connection;
      },
      close,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    await Promise.all([...this.#slots].map(close => close()));
    if (this.database.lock?.owner === this) this.database.lock = null;
  }

  #session(connected: () => void): Session {
    const call = <T>(method: StoreMethod, work: () => T) =>
      this.#call(method, () => {
        connected();
        return work();
      });
    const { nodes, snapshots, paused, watchedJobs, ledger } = this.database;
    const all = () => [...nodes.values()].sort((a, b) => a.id - b.id);
    return {
      insertNodes: added => call('insertNodes', () => this.#insert(added)),
      restoreNode: row => call('restoreNode', () => this.#restoreNode(row)),
      changeNode: (id, expected, patch) =>
        this.#change({ method: 'changeNode', rows: nodes, call }, id, expected, patch),
      insertSubnodes: (node, tags) => call('insertSubnodes', () => tags.map(tag => this.#insertSubnode(node, tag))),
      changeSubnode: (id, expected, patch) => this.#changeSubnode(call, id, expected, patch),
      deleteSubnode: id =>
        call('deleteSubnode', () => {
          this.#deleted.add(id);
          for (const row of nodes.values()) {
            if (!row.subnodes.some(each => each.id === id)) continue;
            nodes.set(row.id, { ...row, subnodes: row.subnodes.filter(each => each.id !== id) });
          }
        }),
      deleteNode: id =>
        call('deleteNode', () => {
          this.#deleted.add(id);
          nodes.delete(id);
        }),
      node: id => call('node', () => nodes.get(id) ?? null),
      nodeByName: (name: NodeName) => call('nodeByName', () => all().find(row => row.nodename === name) ?? null),
      nodes: ({ provider, target, after = 0, limit } = {}) =>
        call('nodes', () =>
          this.#seen(all())
            .filter(row => row.id > after && (provider === undefined || row.provider === provider))
            .filter(row => target === undefined || row.target === target)
            .slice(0, limit),
        ),
      nodesSince: (_, { target } = {}) => {
        if (target !== undefined) this.targetsRead.push(target);
        return call('nodesSince', () => this.#seen(all().filter(row => target === undefined || row.target === target)));
      },
      restoreSnapshot: row =>
        call('restoreSnapshot', () => {
          if (this.#deleted.has(row.id)) return null;
          const found = snapshots.get(row.id);
          if (!found || found.revision < row.revision) snapshots.set(row.id, row);
          return snapshots.get(row.id) ?? null;
        }),
      insertSnapshot: added => call('insertSnapshot', () => this.#insertSnapshot(added)),
      changeSnapshot: (id, expected, patch) =>
        this.#change({ method: 'changeSnapshot', rows: snapshots, call }, id, expected, patch),
      deleteSnapshot: id =>
        call('deleteSnapshot', () => {
          this.#deleted.add(id);
          snapshots.delete(id);
        }),
      snapshots: (filter?: ImageName) =>
        call('snapshots', () =>
          this.#seen([...snapshots.values()])
            .filter(row => !filter || (row.provider === filter.provider && row.image === filter.image))
            .sort((a, b) => a.id - b.id),
        ),
      pausedImages: () => call('pausedImages', () => [...paused.values()]),
      pauseImage: (image, isPaused) =>
        call('pauseImage', () => {
          const key = JSON.stringify(image);
          if (isPaused) paused.set(key, image);
          else paused.delete(key);
        }),
      watchedJobs: () => call('watchedJobs', () => [...watchedJobs.values()]),
      insertWatchedJob: job =>
        call('insertWatchedJob', () => {
          const known = [...watchedJobs.values()].find(each => each.name === job.name);
          const added = known ?? { ...job, id: watchedJobId(this.database.nextId()) };
          watchedJobs.set(added.id, added);
          return added;
        }),
      deleteWatchedJob: id => call('deleteWatchedJob', () => void watchedJobs.delete(id)),
      ledger: () => call('ledger', () => [...ledger.values()].sort((a, b) => a.at - b.at)),
      writeLedger: (rows, keptFrom) =>
        call('writeLedger', () => {
          for (const at of [...ledger.keys()]) if (at < keptFrom) ledger.delete(at);
          for (const row of rows) ledger.set(row.at, row);
        }),
    };
  }

  #insert(added: readonly NewNode[]): readonly NodeRow[] {
    const written = new Map([...this.database.nodes.values()].map(row => [row.tag, row]));
    const nowMs = this.#options.now();
    return added.map(
      node =>
        written.get(node.tag) ??
        this.database.addNode({
          ...node,
          id: nodeId(this.#freshId()),
          state: 'building',
          step: 'queued',
          stateTime: wholeSeconds(nowMs),
          stepAt: nowMs,
        }),
    );
  }

  #freshId(): number {
    return (this.#highestId = this.database.nextId(this.#highestId));
  }

  /** Ids that somebody knows. */
  #seen<Row extends { readonly id: number; readonly subnodes?: readonly SubnodeRow[] }>(rows: readonly Row[]) {
    for (const { id, subnodes = [] } of rows) {
      this.#highestId = Math.max(this.#highestId, id, ...subnodes.map(subnode => subnode.id));
    }
    return rows;
  }

  #restoreNode(row: NodeRow): NodeRow | null {
    if (this.#deleted.has(row.id)) return null;
    const { nodes } = this.database;
    const found = nodes.get(row.id);
    const own = found && found.revision >= row.revision ? found : row;
    const there = (found?.subnodes ?? []).filter(({ id }) => !this.#deleted.has(id));
    const subnodes = new Map(there.map(each => [each.id, each]));
    for (const known of row.subnodes) {
      const { revision = -1 } = subnodes.get(known.id) ?? {};
      if (!this.#deleted.has(known.id) && revision < known.revision) subnodes.set(known.id, known);
    }
    const restored = { ...own, subnodes: [...subnodes.values()].sort((a, b) => a.id - b.id) };
    nodes.set(row.id, restored);
    return restored;
  }

  #insertSnapshot(added: NewSnapshot): SnapshotRow {
    const nowMs = this.#options.now();
    return (
      [...this.database.snapshots.values()].find(row => row.tag === added.tag) ??
      this.database.addSnapshot({
        ...added,
        id: snapshotId(this.#freshId()),
        state: 'building',
        step: 'queued',
        stateTime: wholeSeconds(nowMs),
        stepAt: nowMs,
      })
    );
  }

  #insertSubnode(node: NodeId, tag: Tag): SubnodeRow {
    const find = (): SubnodeRow | undefined => this.database.nodes.get(node)?.subnodes.find(each => each.tag === tag);
    const nowMs = this.#options.now();
    const stateTime = wholeSeconds(nowMs);
    const id = find()?.id ?? subnodeId(this.#freshId());
    if (!find())
      this.database.addSubnode(node, { id, tag, state: 'building', step: 'queued', stepAt: nowMs, stateTime });
    const row = find();
    assert(row !== undefined, `there is no node ${String(node)}`);
    return row;
  }

  /** As on a table of its own; what a node's row shows of it is changed with it. */
  async #changeSubnode(
    call: Call,
    id: SubnodeId,
    expected: SubnodeRow,
    patch: SubnodePatch,
  ): Promise<Changed<SubnodeRow>> {
    const { nodes } = this.database;
    const nodeOf = (): NodeRow | undefined =>
      [...nodes.values()].find(({ subnodes }) => subnodes.some(each => each.id === id));
    const rows = {
      get: (): SubnodeRow | undefined => nodeOf()?.subnodes.find(each => each.id === id),
      set: (_id: SubnodeId, row: SubnodeRow): void => {
        const node = nodeOf();
        if (node) nodes.set(node.id, { ...node, subnodes: node.subnodes.map(each => (each.id === id ? row : each)) });
      },
    };
    return this.#change({ method: 'changeSubnode', rows, call }, id, expected, patch);
  }

  async #change<Id extends number, R extends ChangedRow>(
    { method, rows, call }: Table<Id, R>,
    id: Id,
    expected: Stated,
    patch: Partial<NoInfer<R>>,
  ): Promise<Changed<R>> {
    if (method === 'changeNode' && Number(id) === this.#poisoned) throw new Error(`node ${String(id)} is poisoned`);
    const stallMs = this.#stallMs;
    this.#stallMs = null;
    if (stallMs !== null) await this.#options.turn?.(method, stallMs);
    const doubt = `${method} ${String(id)}`;
    const fingerprint = JSON.stringify(Object.entries(patch).sort(([a], [b]) => (a < b ? -1 : 1)));
    try {
      const changed = await call(method, () => this.#compareAndSet(rows, id, expected, patch));
      const lateMs = this.#stallAnswerMs;
      this.#stallAnswerMs = null;
      if (lateMs !== null) await this.#options.turn?.(method, lateMs);
      const isRepeat = this.#inDoubt.get(doubt) === fingerprint;
      this.#inDoubt.delete(doubt);
      const isSettled = isRepeat && changed.kind === 'refused' && has(changed.row, patch);
      return isSettled ? { kind: 'changed', row: changed.row } : changed;
    } catch (error) {
      if (error instanceof Fault && error.kind === 'store.away') this.#inDoubt.set(doubt, fingerprint);
      throw error;
    }
  }

  #compareAndSet<Id, R extends ChangedRow>(
    rows: Rows<Id, R>,
    id: Id,
    expected: Stated,
    patch: Partial<NoInfer<R>>,
  ): Changed<R> {
    const row = rows.get(id);
    if (row === undefined) return { kind: 'gone' };
    const isOther = row.state !== expected.state || row.step !== expected.step;
    if (isOther || (expected.revision ?? row.revision) !== row.revision) return { kind: 'refused', row };
    const changed = patched(row, patch, this.#options.now());
    rows.set(id, changed);
    this.#deleted.delete(Number(id));
    return { kind: 'changed', row: changed };
  }

  async #call<T>(method: StoreMethod, work: () => T): Promise<T> {
    this.calls.push(method);
    const holding = this.#holding;
    const whim = this.whim(method);
    if (whim !== null && typeof whim === 'object' && 'stallMs' in whim)
      await this.#options.turn?.(method, whim.stallMs);
    await this.#options.turn?.(method);
    if (this.#isClosed) throw new Fault('store.stopped', 'the store is closed');
    if (this.database.isAway) throw new Fault('store.away', 'connect ECONNREFUSED');
    const { lock } = this.database;
    const isFenced = holding !== null && lock !== null && lock !== holding;
    if (isFenced && adds.has(method)) throw new Fault('store.away', 'another daemon has taken the database');
    if (this.database.isReadOnly && writes.has(method)) throw new Fault('store.away', 'the server is read-only');
    const scripted = this.#faults.findIndex(entry => entry.method === method);
    const [entry] = scripted < 0 ? [] : this.#faults.splice(scripted, 1);
    if (entry !== undefined) throw entry.fault;
    if (whim instanceof Fault) throw whim;
    const answer = work();
    await this.#options.turn?.(method);
    const lost = this.#lostReplies.indexOf(method);
    if (lost < 0 && whim !== 'lose-reply') return answer;
    if (lost >= 0) this.#lostReplies.splice(lost, 1);
    throw new Fault('store.away', 'Connection terminated unexpectedly');
  }
}

const adds: ReadonlySet<StoreMethod> = new Set<StoreMethod>([
  'insertNodes',
  'insertSubnodes',
  'insertSnapshot',
  'restoreNode',
  'restoreSnapshot',
]);
const writes: ReadonlySet<StoreMethod> = new Set<StoreMethod>([
  'start',
  'insertNodes',
  'changeNode',
  'restoreNode',
  'deleteNode',
  'insertSnapshot',
  'changeSnapshot',
  'restoreSnapshot',
  'deleteSnapshot',
  'pauseImage',
  'insertWatchedJob',
  'deleteWatchedJob',
]);

type Call = <T>(method: StoreMethod, work: () => T) => Promise<T>;

function wholeSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

/** What all rows have that are changed by compare-and-set. */
type ChangedRow = Pick<NodeRow, 'stateTime' | 'revision' | 'lastError'> & {
  readonly state: NodeState;
  readonly step: string | null;
};

interface Stated {
  readonly state: NodeState;
  readonly step: string | null;
  readonly revision?: number;
}

interface Rows<Id, R> {
  get(id: Id): R | undefined;
  set(id: Id, row: R): unknown;
}

interface Table<Id, R> {
  readonly method: StoreMethod;
  readonly rows: Rows<Id, R>;
  readonly call: Call;
}

function has<R extends ChangedRow>(row: R, patch: Partial<R>): boolean {
  const wanted = Object.entries(fitted(patch)) as [keyof R, unknown][];
  return wanted.every(([key, value]) => value === undefined || row[key] === value);
}

export const emptyNode = {
  hostname: null,
  nodename: null,
  serverId: null,
  az: null,
  ip: null,
  ipPrivate: null,
  manager: null,
  reason: null,
  step: null,
  stepAt: null,
  sentAt: null,
  jobStartedAt: null,
  jobEndedAt: null,
  deleteAt: null,
  groupSize: null,
  addressId: null,
  addressSentAt: null,
  hostKey: null,
  snapshotId: null,
  tag: null,
  expiry: null,
  lastError: null,
  console: null,
  revision: 0,
  subnodes: [],
} as const satisfies Partial<NodeRow>;

export const emptySubnode = {
  hostname: null,
  serverId: null,
  ip: null,
  ipPrivate: null,
  step: null,
  stepAt: null,
  sentAt: null,
  addressId: null,
  addressSentAt: null,
  hostKey: null,
  tag: null,
  lastError: null,
  revision: 0,
} as const satisfies Partial<SubnodeRow>;
