/**
 * The database. Every call rejects with a `Fault` (`store.*`) and nothing else. Each change is one autocommitted
 * statement or one short transaction; nothing is held across a call to the outside world (lesson 80).
 */
import type { NewNode, NodePatch, NodeRow, NodeStep, SubnodePatch, SubnodeRow } from '../domain/node-row.js';
import type { Installation, NodeId, NodeName, SnapshotId, SubnodeId, Tag, WatchedJobId } from '../domain/ids.js';
import type { ImageName, NewSnapshot, SnapshotPatch, SnapshotRow, SnapshotStep } from '../domain/snapshot-row.js';
import type { ImageState, NodeState } from '../domain/states.js';
import type { WatchedJob } from '../domain/watched-job.js';

export interface StorePort {
  /** Connects, migrates, takes the one-daemon lock. `store.locked` names the holder; `store.away` may be tried again. */
  start(holder: LockHolder): Promise<StoreStart>;
  /** Connects without migrating and without the lock, for commands that read while no daemon runs. `store.empty`: nothing is there. */
  attach(): Promise<void>;
  /** One question to the server; resolves while it answers. */
  probe(): Promise<void>;
  /** The few connections that everything without a slot of its own shares. Usable after `start` or `attach`. */
  readonly shared: Session;
  /** Tags of rows that could not be understood when they were last read. What carries one is left alone. */
  readonly unreadTags: ReadonlySet<string>;
  /** Opens one connection for exclusive use: a slot, which the store actor lends, takes back and closes. */
  openSlot(): Promise<Slot>;
  /** Gives the lock back and closes the shared connections. */
  close(): Promise<void>;
}

export interface LockHolder {
  readonly host: string;
  readonly pid: number;
  readonly socket: string;
}

export interface StoreStart {
  /** For people, without a password: `postgresql 18.4 at 127.0.0.1:5432/nodepool`. */
  readonly server: string;
  /** Connections the server allows to all its clients. */
  readonly connectionsAllowed: number;
  /** Made at the first start on this database, and kept in it for ever. */
  readonly installation: Installation;
  /** Resolves if the connection that holds the lock is lost; the lock is taken again by the next `start`. */
  readonly lockLost: Promise<void>;
}

export interface Session {
  /**
   * Writes the rows of one round in one transaction, in order; `building`, step `queued`. No id is given twice by one
   * store, also where the database has lost the row that had it: that of rows, subnodes and images alike.
   */
  insertNodes(nodes: readonly NewNode[]): Promise<readonly NodeRow[]>;
  /**
   * One compare-and-set: applies the patch where the row still has the expected state and step. Sets `stateTime` when
   * the state changes, and counts the revision. A lost answer is settled by reading the row again: a row that has the
   * patched values and a revision one higher is `changed`. Given the whole row as its only writer knows it, the
   * revision must be the same, too, and the row of a single node is not read again after it.
   */
  changeNode(id: NodeId, expected: Expected | NodeRow, patch: NodePatch): Promise<Changed>;
  /**
   * What the database has lost is put back: the row and those of its subnodes, as their only writers know them, wherever
   * there is none or one of an older revision. Resolves with the row as it is then. What was deleted over this store stays
   * away, or goes again: null where that is the node itself.
   */
  restoreNode(row: NodeRow): Promise<NodeRow | null>;
  /** Writes the rows of subnodes, in order; `building`, step `queued`. One whose tag is there already is that row. */
  insertSubnodes(node: NodeId, tags: readonly Tag[]): Promise<readonly SubnodeRow[]>;
  /** Like `changeNode`. */
  changeSubnode(id: SubnodeId, expected: SubnodeRow, patch: SubnodePatch): Promise<Changed<SubnodeRow>>;
  /** Resolves also where there is none. */
  deleteSubnode(id: SubnodeId): Promise<void>;
  /** Deletes the row and its subnode rows in one transaction. Resolves also where there is none. */
  deleteNode(id: NodeId): Promise<void>;
  node(id: NodeId): Promise<NodeRow | null>;
  nodeByName(name: NodeName): Promise<NodeRow | null>;
  /** All nodes with their subnodes from one consistent read (lesson 40), ordered by id. */
  nodes(filter?: NodeFilter): Promise<readonly NodeRow[]>;
  /** The same, of a target or of all, where they were read before: those that have not changed since are not read again. */
  nodesSince(known: readonly NodeRow[], filter?: Pick<NodeFilter, 'target'>): Promise<readonly NodeRow[]>;
  /** Writes the row of a build; `building`, step `queued`. A row that has the tag already is that row. */
  insertSnapshot(snapshot: NewSnapshot): Promise<SnapshotRow>;
  /** Like `restoreNode`. */
  restoreSnapshot(row: SnapshotRow): Promise<SnapshotRow | null>;
  /** Like `changeNode`. */
  changeSnapshot(id: SnapshotId, expected: ExpectedSnapshot, patch: SnapshotPatch): Promise<Changed<SnapshotRow>>;
  /** Resolves also where there is none. */
  deleteSnapshot(id: SnapshotId): Promise<void>;
  /** Ordered by id. */
  snapshots(filter?: ImageName): Promise<readonly SnapshotRow[]>;
  /** Images that an operator has paused. */
  pausedImages(): Promise<readonly ImageName[]>;
  /** Repeating is harmless. */
  pauseImage(image: ImageName, isPaused: boolean): Promise<void>;
  /** Ordered by id. */
  watchedJobs(): Promise<readonly WatchedJob[]>;
  /** One that has this name already is answered as it is. */
  insertWatchedJob(job: Omit<WatchedJob, 'id'>): Promise<WatchedJob>;
  /** Resolves also where there is none. */
  deleteWatchedJob(id: WatchedJobId): Promise<void>;
  /** The ledger of allocation rounds, oldest first. */
  ledger(): Promise<readonly LedgerRow[]>;
  /** Writes these in place of those of the same times, and forgets all before `keptFrom`, in one transaction. */
  writeLedger(rows: readonly LedgerRow[], keptFrom: number): Promise<void>;
}

export interface LedgerRow {
  /** Epoch milliseconds; no two have the same. */
  readonly at: number;
  /** JSON that the ledger's actor understands. */
  readonly body: string;
}

export interface NodeFilter {
  readonly provider?: string;
  readonly target?: string;
  /** Only those with a greater id. */
  readonly after?: number;
  /** At most so many rows are read. */
  readonly limit?: number;
}

export interface PausedImage {
  readonly provider: string;
  readonly image: string;
}

export interface Expected {
  readonly state: NodeState;
  readonly step: NodeStep | null;
}

export interface ExpectedSnapshot {
  readonly state: ImageState;
  readonly step: SnapshotStep | null;
}

export type Changed<Row = NodeRow> =
  | { readonly kind: 'changed'; readonly row: Row }
  /** The row is in another state or step than expected. */
  | { readonly kind: 'refused'; readonly row: Row }
  | { readonly kind: 'gone' };

export interface Slot extends Session {
  /** The server's own id of the connection. */
  readonly connection: string;
  close(): Promise<void>;
}
