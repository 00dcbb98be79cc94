/** A command line without a process: what it wrote, and how it ended. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliContext, Terminal } from '../../../src/cli/context.js';
import { runCli } from '../../../src/cli/main.js';
import { loadConfig } from '../../../src/config/load.js';
import { nodeId, watchedJobId } from '../../../src/domain/ids.js';
import type { NodePatch, NodeRow } from '../../../src/domain/node-row.js';
import { Fault } from '../../../src/domain/fault.js';
import type { SnapshotRow } from '../../../src/domain/snapshot-row.js';
import type { WatchedJob } from '../../../src/domain/watched-job.js';
import { serveControl } from '../../../src/http/serve.js';
import type { OutsideWorld } from '../../../src/ports/world.js';
import type { Changed, Session, StorePort } from '../../../src/ports/store.js';
import { FakeCloud } from '../../support/fake-cloud.js';
import { FakeControl } from '../../contract/http/fake-control.js';

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class Harness {
  readonly folder: string;
  readonly socket: string;
  readonly api = new FakeControl();
  readonly store = new FakeStore();
  /** What is outside, for whoever looks at it without a daemon. */
  world: OutsideWorld = unreachableWorld;
  env: Record<string, string | undefined>;
  isTerminal = false;
  screenSize = { rows: 24, columns: 80 };
  /** Null: standard error is no terminal. */
  progressColumns: number | null = null;
  /** For a program that draws on the whole screen. */
  terminal: Terminal | null = null;
  /** Moved on by every sleep. */
  nowMs = 1_402_000_000_000;
  /** Called in place of waiting. */
  onSleep: () => void = () => undefined;
  /** Whoever looks again and again lets others have their turn. */
  takesTime = false;
  readonly interrupt = new AbortController();
  readonly #clouds = new Map<string, FakeCloud>();
  readonly #open: { close(): Promise<void> }[] = [];

  static async open(): Promise<Harness> {
    return new Harness(await mkdtemp(join(tmpdir(), 'cli-')));
  }

  private constructor(folder: string) {
    this.folder = folder;
    this.socket = join(folder, 'control.sock');
    this.env = { HOME: folder, STATE_DIRECTORY: join(folder, 'state') };
  }

  /** One for each provider of the configuration. */
  cloud(provider: string): FakeCloud {
    const cloud = this.#clouds.get(provider) ?? new FakeCloud();
    this.#clouds.set(provider, cloud);
    return cloud;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async serve(socket = this.socket): Promise<void> {
    const options = { socket, http: null, writeToken: null, readToken: null, version: '9.9.9', log: () => undefined };
    this.#open.push(await serveControl(options)(this.api));
  }

  /** Writes a configuration and answers the options that name it. */
  async configure(text = minimalConfig, name = 'nodepool.yaml'): Promise<string[]> {
    await writeFile(this.path(name), text);
    return ['-c', this.path(name)];
  }

  context(texts: { out: string; err: string }): CliContext {
    return {
      openStore: async () => this.store,
      openCloud: async provider => this.cloud(provider.name),
      openWorld: async () => this.world,
      loadConfig,
      env: this.env,
      out: { write: text => (texts.out += text) },
      err: { write: text => (texts.err += text) },
      isTerminal: this.isTerminal,
      screenSize: () => this.screenSize,
      progressColumns: () => this.progressColumns,
      terminal: this.terminal,
      now: () => this.nowMs,
      sleep: async ms => {
        this.nowMs += ms;
        this.onSleep();
        if (this.takesTime) await new Promise(resolve => setImmediate(resolve));
      },
      signal: this.interrupt.signal,
      runtimeDir: this.path('run'),
      host: 'here',
      pid: 42,
    };
  }

  async run(...argv: string[]): Promise<Run> {
    const texts = { out: '', err: '' };
    const code = await runCli(argv, this.context(texts));
    return { code, ...texts };
  }

  /** The same, asking the daemon that `serve` made. */
  async ask(...argv: string[]): Promise<Run> {
    return this.run('--socket', this.socket, ...argv);
  }

  async close(): Promise<void> {
    for (const open of this.#open) await open.close();
    await rm(this.folder, { recursive: true });
  }
}

export const minimalConfig = `
dburi: postgresql://localhost/nodepool
labels:
  - name: precise
    image: precise
    min-ready: 2
    providers: [{name: rax-ord}]
providers:
  - name: rax-ord
    username: user
    password: secret
    auth-url: http://localhost:5000/v2.0
    project-id: pool
    max-servers: 5
    images:
      - name: precise
        base-image: Precise
        min-ram: 8192
        username: jenkins
        private-key: /home/nodepool/.ssh/id_rsa
targets:
  - name: jenkins01
    jenkins: {url: 'http://localhost:8080', user: nodepool, apikey: key}
`;

/** Rows in memory, and what was asked of them. */
export class FakeStore implements StorePort {
  readonly calls: string[] = [];
  readonly unreadTags = new Set<string>();
  rows: NodeRow[] = [];
  snapshots: SnapshotRow[] = [];
  jobs: WatchedJob[] = [];
  startFault: Fault | null = null;
  attachFault: Fault | null = null;
  readonly shared: Session = {
    nodes: async () => this.rows,
    nodesSince: async () => this.rows,
    snapshots: async () => this.snapshots,
    node: async id => this.rows.find(row => row.id === id) ?? null,
    nodeByName: async () => null,
    insertNodes: async () => [],
    restoreNode: () => Promise.reject(new Error('no command restores a node')),
    restoreSnapshot: () => Promise.reject(new Error('no command restores an image')),
    deleteNode: async () => undefined,
    insertSubnodes: () => Promise.reject(new Error('no command inserts a subnode')),
    changeSubnode: () => Promise.reject(new Error('no command changes a subnode')),
    deleteSubnode: () => Promise.reject(new Error('no command deletes a subnode')),
    changeNode: async (id, expected, patch) => this.#change(id, expected, patch),
    insertSnapshot: () => Promise.reject(new Error('no command inserts a snapshot')),
    changeSnapshot: () => Promise.reject(new Error('no command changes a snapshot')),
    deleteSnapshot: () => Promise.reject(new Error('no command deletes a snapshot')),
    pausedImages: async () => [],
    pauseImage: () => Promise.reject(new Error('no command pauses an image')),
    watchedJobs: async () => this.jobs,
    insertWatchedJob: async job => {
      const added = { ...job, id: watchedJobId(this.jobs.length + 1) };
      this.jobs.push(added);
      return added;
    },
    deleteWatchedJob: async id => void (this.jobs = this.jobs.filter(job => job.id !== id)),
    ledger: async () => [],
    writeLedger: async () => undefined,
  };

  async start(): Promise<never> {
    this.calls.push('start');
    if (this.startFault !== null) throw this.startFault;
    return { server: '', connectionsAllowed: 1, lockLost: new Promise(() => undefined) } as never;
  }

  async attach(): Promise<void> {
    this.calls.push('attach');
    if (this.attachFault !== null) throw this.attachFault;
  }

  async probe(): Promise<void> {}

  async openSlot(): Promise<never> {
    throw new Error('no command opens a slot');
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  #change(id: number, expected: { state: string; step: string | null }, patch: NodePatch): Changed {
    const row = this.rows.find(candidate => candidate.id === id);
    if (row === undefined) return { kind: 'gone' };
    if (row.state !== expected.state || row.step !== expected.step) return { kind: 'refused', row };
    const changed = { ...row, ...patch };
    this.rows = this.rows.map(candidate => (candidate === row ? changed : candidate));
    return { kind: 'changed', row: changed };
  }
}

export function row(id: number, patch: Partial<NodeRow> = {}): NodeRow {
  return {
    id: nodeId(id),
    provider: 'rax-ord',
    label: 'precise',
    target: 'jenkins01',
    hostname: null,
    nodename: null,
    serverId: null,
    az: null,
    ip: null,
    ipPrivate: null,
    state: 'ready',
    stateTime: 1_402_000_000 - 93_784,
    manager: null,
    reason: null,
    step: null,
    stepAt: null,
    sentAt: null,
    jobStartedAt: null,
    jobEndedAt: null,
    deleteAt: null,
    groupSize: 1,
    addressId: null,
    addressSentAt: null,
    hostKey: null,
    snapshotId: null,
    tag: null,
    expiry: null,
    lastError: null,
    console: null,
    revision: 1,
    subnodes: [],
    ...patch,
  };
}

const unreachableWorld: OutsideWorld = {
  openCloud: () => {
    throw new Error('no cloud is to be asked');
  },
  openCi: () => {
    throw new Error('no master is to be asked');
  },
  demand: { status: () => Promise.reject(new Error('no Gearman server is to be asked')) },
  events: {
    open: () => {
      throw new Error('no publisher is to be subscribed to');
    },
  },
  close: async () => undefined,
};
