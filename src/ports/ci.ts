/** One Jenkins master, as the target actor sees it. Every call rejects with a `Fault` (`jenkins.*`) and nothing else. */
import type { NodeName } from '../domain/ids.js';
import type { Target } from '../domain/pool-config.js';

export interface CiPort {
  status(call: CiCall): Promise<CiStatus>;
  /** Adds a slave. A name that exists already with the same host is success; with another host it is replaced. */
  createNode(spec: CiNodeSpec, call: CiCall): Promise<void>;
  /** Resolves also when there is no such node. Done at the master's answer; a dying build may linger. */
  deleteNode(name: NodeName, call: CiCall): Promise<void>;
  /** Only the master's 404 means no (lesson 59). */
  nodeExists(name: NodeName, call: CiCall): Promise<boolean>;
  /** Null: there is no such node. */
  nodeDescription(name: NodeName, call: CiCall): Promise<string | null>;
  /** All slaves in one request. */
  listNodes(call: CiCall): Promise<readonly CiNode[]>;
  /** No further job starts on it; the running one goes on. Repeating is harmless; false where there is no such node. */
  setOffline(name: NodeName, reason: string, call: CiCall): Promise<boolean>;
  /** Replaces the labels of a node that is there; whether it is offline stays as it is. */
  relabel(name: NodeName, labels: string, call: CiCall): Promise<void>;
  /** Starts the job with `NODE=name` and without a quiet period; one that waits already is not started twice. */
  startTestJob(job: string, name: NodeName, call: CiCall): Promise<void>;
  close(): Promise<void>;
}

export interface CiCall {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface CiStatus {
  readonly quietingDown: boolean;
  readonly version: string | null;
  /** Changes when the master restarts. */
  readonly session: string | null;
}

export interface CiNodeSpec {
  readonly name: NodeName;
  readonly description: string;
  /** Words separated by spaces; null while a test job is pending. */
  readonly labels: string | null;
  readonly host: string;
  readonly sshPort: number;
  readonly remoteRoot: string;
  readonly username: string;
  /** A path on the master, used without `credentials-id` (reference 15.2). */
  readonly privateKeyFile: string;
  /** `TYPE BASE64`, where the pool has seen the machine's key. */
  readonly hostKey: string | null;
}

export interface CiNode {
  readonly name: NodeName;
  readonly offline: boolean;
  readonly temporarilyOffline: boolean;
  /** Why it was taken offline, without who did it; null while nobody has. */
  readonly offlineReason: string | null;
  /** False while any executor, one-off ones included, is busy. */
  readonly idle: boolean;
}

export type OpenCi = (target: Target) => CiPort;
