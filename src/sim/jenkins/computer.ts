import type { Machine } from '../machines.js';
import type { Build } from './builds.js';

/** The configuration of a slave. It may be gone while its computer still finishes a build. */
export interface JenkinsNode {
  readonly name: string;
  readonly description: string;
  readonly executors: number;
  readonly remoteFs: string;
  readonly labels: readonly string[];
  readonly mode: 'NORMAL' | 'EXCLUSIVE';
  /** Null: Jenkins waits for the agent to call, which nobody here does. */
  readonly launcher: SshLauncher | null;
}

export interface SshLauncher {
  readonly host: string;
  readonly port: number;
  readonly credentialsId: string | null;
  /** `TYPE BASE64` that the machine must show; null where any will do. */
  readonly hostKey: string | null;
}

/** The running side of a node: its connection, its executors, its offline flag. */
export class Computer {
  readonly name: string;
  readonly master: string;
  readonly builds = new Set<Build>();
  node: JenkinsNode | null;
  machine: Machine | null = null;
  isConnected = false;
  /** Why a user or plugin set it offline; null while it is not. */
  offlineReason: string | null = null;
  /** Why it has no connection. */
  disconnectReason: string | null = null;
  /** A worker of the Gearman plugin keeps the node for the job it has just been given. */
  isReserved = false;

  constructor(node: JenkinsNode, master: string) {
    this.name = node.name;
    this.master = master;
    this.node = node;
  }

  get isOnline(): boolean {
    return this.isConnected && this.offlineReason === null;
  }

  get isIdle(): boolean {
    return this.builds.size === 0;
  }

  /** Whether one more build may start now. */
  get isAvailable(): boolean {
    return this.node !== null && this.isOnline && !this.isReserved && this.builds.size < this.node.executors;
  }

  get labels(): readonly string[] {
    return this.node?.labels ?? [];
  }
}
