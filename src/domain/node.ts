/**
 * The life of a node. The table below is the whole rule: what each state makes of each fact. A node's actor asks it,
 * writes the answer to the store, then acts; nothing else changes a node's state (reference 4.4, DESIGN 3).
 *
 *     building ─→ ready ─→ used ─→ delete ─→ (row gone)
 *         └─→ test ─┘        hold: from any but delete; left by release, its expiry, or delete
 */
import { isBefore, launchStepsInOrder, type NodeRow, type NodeStep } from './node-row.js';
import type { NodeState } from './states.js';

export const nodeFacts = [
  /** All launch steps are done, and the target has no test job. */
  'launched',
  /** The slave is in Jenkins without its label; the test job is next. */
  'launched-untested',
  'launch-failed',
  /** It failed where the node may be in its master with its label: in doubt whether a call took effect. */
  'launch-lost',
  /** A job that is not the target's test job. */
  'job-started',
  'job-finished',
  'test-job-started',
  'test-passed',
  'test-failed',
  /** The time between a job's end and the deletion is over. */
  'delay-over',
  'hold-asked',
  'hold-expired',
  'release-asked',
  'delete-asked',
  /** The periodic check could not log in. */
  'check-failed',
  /** The cloud has no server of that id any more. */
  'server-gone',
  /** The cloud has no server of one of its subnodes any more. */
  'member-gone',
  /** Longer in its state than the limit for that state. */
  'too-old',
  /** It booted from an older image than the current one, and is to make room. */
  'outdated',
  /** Jenkins has no slave of its name, though it had. */
  'slave-gone',
] as const;
export type NodeFact = (typeof nodeFacts)[number];

/** What is written beside the state. `hold-renewed`: the new reason and expiry replace the old ones. `server-gone`: that it
 * is, for whoever holds the node. */
export type JobNote = 'job-started' | 'job-ended';
export type KeepNote = JobNote | 'hold-renewed' | 'server-gone';

export type Decision =
  | { readonly kind: 'move'; readonly to: NodeState; readonly note: JobNote | null; readonly why: string }
  /** The state stays, but something is recorded. */
  | { readonly kind: 'keep'; readonly note: KeepNote; readonly why: string }
  | { readonly kind: 'ignore'; readonly why: string }
  /** Operator commands only. */
  | { readonly kind: 'refuse'; readonly why: string };

export type DecidingNode = Pick<NodeRow, 'state' | 'step' | 'jobStartedAt' | 'jobEndedAt' | 'sentAt' | 'serverId'>;

export function decide(node: DecidingNode, fact: NodeFact): Decision {
  const cell = nodeTable[node.state][fact];
  return typeof cell === 'function' ? cell(node) : cell;
}

/**
 * What a decision says about the job, for the patch that goes with it. A node that becomes ready has had no job: the
 * times of its test job are forgotten, so that a later release does not take the test for a job.
 */
export function jobTimes(decision: Decision, at: number): Partial<Pick<NodeRow, 'jobStartedAt' | 'jobEndedAt'>> {
  if (decision.kind === 'move' && decision.to === 'ready') return { jobStartedAt: null, jobEndedAt: null };
  if (decision.kind !== 'move' && decision.kind !== 'keep') return {};
  if (decision.note === 'job-started') return { jobStartedAt: at };
  if (decision.note === 'job-ended') return { jobEndedAt: at };
  return {};
}

type Cell = Decision | ((node: DecidingNode) => Decision);

const move = (to: NodeState, why: string, note: JobNote | null = null): Decision => ({ kind: 'move', to, note, why });
const keep = (note: KeepNote, why: string): Decision => ({ kind: 'keep', note, why });
const ignore = (why: string): Decision => ({ kind: 'ignore', why });
const refuse = (why: string): Decision => ({ kind: 'refuse', why });

const launchIsOver = ignore('its launch is over');
const deleting = ignore('it is being deleted');
const held = ignore('it is held');
const notHeld = refuse('it is not held');
const noHold = ignore('it is no longer held');
const noDelay = ignore('no delete delay runs in this state');
const noTest = ignore('it is not being tested');
const idleForEver = ignore('its state has no limit');
const serverGone = 'its server is gone from the cloud';
const memberGone = 'the server of one of its subnodes is gone from the cloud';
const notIdle = ignore('only ready nodes are replaced');
const mayHaveJob = move('used', 'it may be in its master, and a job on it: it goes when its slave is idle');
const slaveGone = 'its slave is gone from Jenkins';
const passed = ignore('it has passed its test, and a job may find it by its label already');

export const nodeTable: Readonly<Record<NodeState, Readonly<Record<NodeFact, Cell>>>> = {
  building: {
    launched: move('ready', 'launched'),
    'launched-untested': move('test', 'launched; its test job is next'),
    'launch-failed': move('delete', 'the launch failed'),
    'launch-lost': mayHaveJob,
    'job-started': node => ifRegistered(node, 'job-started'),
    'job-finished': node => ifRegistered(node, 'job-ended'),
    'test-job-started': ignore('the launch has not recorded yet that it is to be tested'),
    'test-passed': ignore('the launch has not recorded yet that it is to be tested'),
    'test-failed': ignore('the launch has not recorded yet that it is to be tested'),
    'delay-over': noDelay,
    'hold-asked': move('hold', 'an operator holds it; the launch ends after the step in hand'),
    'hold-expired': noHold,
    'release-asked': notHeld,
    'delete-asked': move('delete', 'deletion was asked'),
    'check-failed': ignore('only ready nodes are checked'),
    'server-gone': node => (isBefore(node.step, 'ssh') ? ignore('its launch sees to it') : move('delete', serverGone)),
    // Until the group is whole, one of its machines is replaced by itself.
    'member-gone': node =>
      isBefore(node.step, 'files') ? ignore('its group gets another subnode') : move('delete', memberGone),
    'too-old': move('delete', 'building for too long'),
    outdated: notIdle,
    'slave-gone': ignore('its launch registers it'),
  },
  ready: {
    launched: launchIsOver,
    'launched-untested': launchIsOver,
    'launch-failed': launchIsOver,
    'launch-lost': launchIsOver,
    'job-started': move('used', 'a job started', 'job-started'),
    'job-finished': move('used', 'a job ended whose start was not heard', 'job-ended'),
    'test-job-started': noTest,
    'test-passed': noTest,
    'test-failed': noTest,
    'delay-over': noDelay,
    'hold-asked': move('hold', 'an operator holds it'),
    'hold-expired': noHold,
    'release-asked': notHeld,
    'delete-asked': move('delete', 'deletion was asked'),
    'check-failed': move('delete', 'the periodic check could not log in'),
    'server-gone': move('delete', serverGone),
    'member-gone': move('delete', memberGone),
    'too-old': idleForEver,
    outdated: move('delete', 'it is replaced by a fresh node'),
    'slave-gone': move('delete', `${slaveGone}; whether a job ran on it is not known`),
  },
  test: {
    launched: launchIsOver,
    'launched-untested': launchIsOver,
    // The steps after `register` run in this state, and may fail as those before.
    'launch-failed': move('delete', 'the test could not be carried out'),
    'launch-lost': mayHaveJob,
    'job-started': move('used', 'a job that is not the test job started', 'job-started'),
    'job-finished': move('used', 'a job that is not the test job ended', 'job-ended'),
    'test-job-started': keep('job-started', 'the test job started; its time limit runs from now'),
    'test-passed': move('ready', 'the test job succeeded'),
    'test-failed': node => (hasPassed(node) ? passed : move('delete', 'the test job failed')),
    'delay-over': noDelay,
    'hold-asked': move('hold', 'an operator holds it'),
    'hold-expired': noHold,
    'release-asked': notHeld,
    'delete-asked': move('delete', 'deletion was asked'),
    'check-failed': ignore('only ready nodes are checked'),
    'server-gone': move('delete', serverGone),
    'member-gone': move('delete', memberGone),
    'too-old': node => (hasPassed(node) ? passed : move('delete', 'testing for too long')),
    outdated: notIdle,
    'slave-gone': move('delete', `${slaveGone}, so that no test can pass on it`),
  },
  used: {
    launched: ignore('a job is on it already: the launch has succeeded'),
    'launched-untested': ignore('a job is on it already: the launch has succeeded'),
    'launch-failed': ignore('a job is on it already: the launch has succeeded'),
    'launch-lost': ignore('a job is on it already: the launch has succeeded'),
    'job-started': ignore('it has had its job'),
    'job-finished': node =>
      node.jobEndedAt === null
        ? keep('job-ended', 'its job ended; it is deleted after the delay')
        : ignore('the end of its job is known, and the delay runs'),
    'test-job-started': noTest,
    'test-passed': noTest,
    'test-failed': noTest,
    'delay-over': node =>
      node.jobEndedAt === null
        ? ignore('its job has not ended')
        : move('delete', 'its job ended, and the delay is over'),
    // Rows of the original do not say that a job started; the release must know.
    'hold-asked': node => move('hold', 'an operator holds it', node.jobStartedAt === null ? 'job-started' : null),
    'hold-expired': noHold,
    'release-asked': notHeld,
    'delete-asked': move('delete', 'deletion was asked'),
    'check-failed': ignore('only ready nodes are checked'),
    'server-gone': move('delete', `${serverGone}, and its job with it`),
    'member-gone': ignore('its job is on its own server, and ends as it can'),
    'too-old': move('delete', 'used for too long'),
    outdated: notIdle,
    'slave-gone': node =>
      node.jobEndedAt === null
        ? keep('job-ended', `${slaveGone}, so its job is over; it is deleted after the delay`)
        : ignore('the end of its job is known, and the delay runs'),
  },
  hold: {
    launched: held,
    'launched-untested': held,
    'launch-failed': held,
    'launch-lost': held,
    'job-started': keep('job-started', 'a job started on the held node'),
    'job-finished': keep('job-ended', 'a job ended on the held node'),
    // The test is made again when the node is released.
    'test-job-started': held,
    'test-passed': held,
    'test-failed': held,
    'delay-over': held,
    'hold-asked': keep('hold-renewed', 'it is held already; reason and expiry are replaced'),
    'hold-expired': node => released(node, 'its hold expired'),
    'release-asked': node => released(node, 'an operator released it'),
    'delete-asked': move('delete', 'deletion was asked'),
    'check-failed': held,
    'server-gone': keep('server-gone', `${serverGone}; it is held all the same`),
    'member-gone': keep('server-gone', `${memberGone}; it is held all the same`),
    'too-old': idleForEver,
    outdated: notIdle,
    'slave-gone': keep('job-ended', `${slaveGone}: no job can run on it any more`),
  },
  delete: {
    launched: deleting,
    'launched-untested': deleting,
    'launch-failed': deleting,
    'launch-lost': deleting,
    'job-started': deleting,
    'job-finished': deleting,
    'test-job-started': deleting,
    'test-passed': deleting,
    'test-failed': deleting,
    'delay-over': deleting,
    'hold-asked': refuse('it is being deleted'),
    'hold-expired': deleting,
    'release-asked': refuse('it is being deleted'),
    'delete-asked': ignore('it is being deleted already'),
    'check-failed': deleting,
    'server-gone': deleting,
    'member-gone': deleting,
    'too-old': deleting,
    outdated: notIdle,
    'slave-gone': deleting,
  },
};

/** Before `register` there is no slave in Jenkins, so the event is about an older node of the same name. */
function ifRegistered(node: DecidingNode, note: JobNote): Decision {
  if (!isInLaunch(node.step) || isBefore(node.step, 'register')) {
    return ignore('it is not in Jenkins yet: the job ran on an older node of the same name');
  }
  return note === 'job-started'
    ? move('used', 'a job started while the launch was being recorded', note)
    : move('used', 'a job ended whose start was not heard', note);
}

/** The label that a test ends with is asked for in this step, and may be there before its answer is. */
function hasPassed({ step }: DecidingNode): boolean {
  return step === 'relabel';
}

/** No job is killed by a release, and no node that had a job gets another. */
function released(node: DecidingNode, cause: string): Decision {
  if (node.jobEndedAt !== null) return move('delete', `${cause}; its job has ended`);
  if (isInLaunch(node.step) && !isBefore(node.step, 'test-job')) return move('test', `${cause}; its test goes on`);
  if (node.jobStartedAt !== null) return move('used', `${cause}; its job runs`);
  if (isInLaunch(node.step)) return move('building', `${cause}; its launch goes on`);
  if (node.serverId === null) return move('delete', `${cause}; it has no server`);
  return move('ready', `${cause}; no job ran on it`);
}

function isInLaunch(step: NodeStep | null): boolean {
  return launchStepsInOrder.some(each => each === step);
}
