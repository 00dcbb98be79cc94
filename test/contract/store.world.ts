/** What the store's suites need of each implementation, besides the port. */
import { tag } from '../../src/domain/ids.js';
import type { NewNode } from '../../src/domain/node-row.js';
import type { LockHolder, StorePort } from '../../src/ports/store.js';

export interface StoreWorld {
  /** An empty database. */
  database(): Promise<StorePlace>;
  /** The server ends without notice, and comes back. */
  kill(): Promise<void>;
  revive(): Promise<void>;
  /** The server takes no writes, as one whose disk is full or that somebody fails over from; or takes them again. */
  forbidWrites(areForbidden: boolean): Promise<void>;
  /** Questions to the server so far, of all stores. */
  statements(): number;
  stop(): Promise<void>;
}

export interface StorePlace {
  open(options?: { now?: () => number }): StorePort;
  /** A store that can lose the answer to its next change or insert. */
  openLossy(): Promise<{
    readonly store: StorePort;
    lose(what: 'changeNode' | 'insertNodes' | 'changeSnapshot'): void;
  }>;
  /** Open to the server at this moment. */
  connections(): number;
  /** The database loses a row, and that its id was given. */
  lose(table: 'node' | 'subnode' | 'snapshot_image', id: number): Promise<void>;
  addSubnode(nodeId: number, hostname: string): Promise<void>;
  addSnapshot(image: string): Promise<void>;
  /** The server ends this connection. */
  killConnection(store: StorePort, connection: string): Promise<void>;
  /** The server ends the connection that holds the lock. */
  killLock(store: StorePort): Promise<void>;
}

export const holder: LockHolder = { host: 'ci-1', pid: 4242, socket: '/run/nodepool/nodepoold.sock' };
export const otherHolder: LockHolder = { host: 'ci-2', pid: 77, socket: '/tmp/other.sock' };
export const startMs = 1_400_000_000_900;
export const startSeconds = 1_400_000_000;

export function newNode(mark: string, change: Partial<NewNode> = {}): NewNode {
  return { provider: 'rax', label: 'precise', target: 'j1', az: null, groupSize: 1, tag: tag(mark), ...change };
}
