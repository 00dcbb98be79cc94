/**
 * A store that kills the daemon at one of the crash points, for the tests that prove that it can be killed anywhere
 * (`docs/reliability.md`). Every write of a node's, subnode's or image's row has its points.
 */
import assert from 'node:assert/strict';
import {
  crashPoints,
  isCrashPoint,
  recordsOfImage,
  recordsOfNode,
  recordsOfSubnode,
  type CrashPoint,
} from '../domain/crash-points.js';
import type { Session, Slot, StorePort } from '../ports/store.js';

/**
 * Where `NODEPOOLD_CRASH_AT` names a point, and `NODEPOOLD_TESTING` is 1: a stray variable kills nobody's daemon. Throws
 * where there is no such point.
 */
export function crashingStore(store: StorePort, env: Readonly<Record<string, string | undefined>>): StorePort {
  const point = env['NODEPOOLD_CRASH_AT'];
  if (env['NODEPOOLD_TESTING'] !== '1' || point === undefined) return store;
  if (!isCrashPoint(point)) {
    throw new Error(`there is no crash point ${point}; there are ${crashPoints.join(', ')}`);
  }
  return killingStore(store, point, () => process.kill(process.pid, 'SIGKILL'));
}

/** Nothing goes on after the kill, whoever does it. */
export function killingStore(store: StorePort, point: CrashPoint, kill: () => void): StorePort {
  const around = crashingAt(point, kill);
  return {
    start: holder => store.start(holder),
    attach: () => store.attach(),
    probe: () => store.probe(),
    get shared() {
      return crashingSession(store.shared, around);
    },
    get unreadTags() {
      return store.unreadTags;
    },
    openSlot: async () => crashingSlot(await store.openSlot(), around),
    close: () => store.close(),
  };
}

/** Does the write with what it records. */
type Around = <T>(records: readonly string[], write: () => Promise<T>) => Promise<T>;

function crashingAt(point: CrashPoint, kill: () => void): Around {
  const known: ReadonlySet<string> = new Set(crashPoints);
  const crash = (): Promise<never> => {
    kill();
    // The signal may come a moment later: nothing goes on meanwhile.
    return new Promise(() => undefined);
  };
  return async (records, write) => {
    for (const record of records) assert(known.has(`before ${record}`), `no crash point is named for "${record}"`);
    if (records.some(record => point === `before ${record}`)) await crash();
    const result = await write();
    if (records.some(record => point === `after ${record}`)) await crash();
    return result;
  };
}

function crashingSession(session: Session, around: Around): Session {
  return {
    insertNodes: nodes => around(['grant'], () => session.insertNodes(nodes)),
    changeNode: (id, expected, patch) =>
      around(recordsOfNode(expected, patch), () => session.changeNode(id, expected, patch)),
    deleteNode: id => around(['delete row'], () => session.deleteNode(id)),
    insertSnapshot: snapshot => around(['image asked'], () => session.insertSnapshot(snapshot)),
    changeSnapshot: (id, expected, patch) =>
      around(recordsOfImage(expected, patch), () => session.changeSnapshot(id, expected, patch)),
    deleteSnapshot: id => around(['remove row'], () => session.deleteSnapshot(id)),
    insertSubnodes: (node, tags) => around(['subnodes asked'], () => session.insertSubnodes(node, tags)),
    changeSubnode: (id, expected, patch) =>
      around(recordsOfSubnode(expected, patch), () => session.changeSubnode(id, expected, patch)),
    deleteSubnode: id => around(['subnode delete row'], () => session.deleteSubnode(id)),
    // What these write was written before, or nothing in the world stands for it.
    restoreNode: row => session.restoreNode(row),
    restoreSnapshot: row => session.restoreSnapshot(row),
    pauseImage: (image, isPaused) => session.pauseImage(image, isPaused),
    insertWatchedJob: job => session.insertWatchedJob(job),
    deleteWatchedJob: id => session.deleteWatchedJob(id),
    writeLedger: (rows, keptFrom) => session.writeLedger(rows, keptFrom),
    node: id => session.node(id),
    nodeByName: name => session.nodeByName(name),
    nodes: filter => session.nodes(filter),
    nodesSince: (known, filter) => session.nodesSince(known, filter),
    snapshots: filter => session.snapshots(filter),
    pausedImages: () => session.pausedImages(),
    watchedJobs: () => session.watchedJobs(),
    ledger: () => session.ledger(),
  };
}

function crashingSlot(slot: Slot, around: Around): Slot {
  return {
    ...crashingSession(slot, around),
    get connection() {
      return slot.connection;
    },
    close: () => slot.close(),
  };
}
