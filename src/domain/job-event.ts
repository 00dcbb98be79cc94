/** Reads what Jenkins' ZeroMQ plugin says about a build: `TOPIC JSON` in one frame (reference 16). */
import type { NodeName } from './ids.js';
import { nodeName } from './ids.js';

export type JobTopic = 'onStarted' | 'onCompleted' | 'onFinalized';

export type JobEvent = {
  readonly kind: 'event';
  readonly topic: JobTopic;
  readonly job: string;
  readonly nodename: NodeName;
  /** SUCCESS, UNSTABLE, FAILURE, NOT_BUILT, ABORTED; null until there is one. */
  readonly result: string | null;
  /** Zuul's branch, for the statistics. */
  readonly branch: string;
};

export type JobEventReading =
  | JobEvent
  /** Well formed, but about no node of ours: a build on the master, a matrix parent, a pipeline. */
  | { readonly kind: 'ignored'; readonly why: string }
  | { readonly kind: 'malformed'; readonly why: string };

/** Never throws, whatever the frame. */
export function readJobEvent(frame: string): JobEventReading {
  const [, topic, text] = /^\s*(\S+)\s+([^]*)$/.exec(frame) ?? [];
  if (topic === undefined || text === undefined) return malformed('no topic and text');
  if (!isTopic(topic)) return malformed(`unknown topic ${topic.slice(0, SHOWN)}`);
  const message = parseObject(text);
  if (message === null) return malformed('the text is no JSON object');
  const build = message['build'];
  if (!isObject(build)) return malformed('no build');
  const node = build['node_name'];
  if (node === undefined || node === null || node === '') return { kind: 'ignored', why: 'the build names no node' };
  if (typeof node !== 'string') return malformed('node_name is no text');
  const job = message['name'];
  if (typeof job !== 'string') return malformed('the job has no name');
  const status = build['status'];
  const result = typeof status === 'string' ? status : null;
  return { kind: 'event', topic, job, nodename: nodeName(node), result, branch: branchOf(build) };
}

/** Characters of a foreign text that a message shows. */
const SHOWN = 40;

const malformed = (why: string): JobEventReading => ({ kind: 'malformed', why });

function isTopic(topic: string): topic is JobTopic {
  return topic === 'onStarted' || topic === 'onCompleted' || topic === 'onFinalized';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function branchOf(build: Readonly<Record<string, unknown>>): string {
  const parameters = build['parameters'];
  const branch = isObject(parameters) ? parameters['ZUUL_BRANCH'] : undefined;
  return typeof branch === 'string' && branch !== '' ? branch : 'unknown_branch';
}
