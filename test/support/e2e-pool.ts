/** A simulated world, a configuration file that points at it, and the daemon in between: what most e2e tests need. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ControlClient } from '../../src/http/client.js';
import { ControlError } from '../../src/http/control-error.js';
import type { NodeView, TreeView } from '../../src/ports/control.js';
import { findLeaks, type Leaks } from '../../src/sim/audit.js';
import type { World } from '../../src/sim/world.js';
import {
  nodepool,
  nodepooldUntilItsEnd,
  startNodepoold,
  type DaemonOptions,
  type NodepooldProcess,
  type Run,
} from './daemon.js';
import { writePoolFile, type PoolFile } from './e2e-config.js';
import { startSurroundings, type Surroundings } from './e2e-world.js';
import { embeddedServer } from './postgres.js';
import { until } from './until.js';

type Elsewhere = NonNullable<PoolFile['elsewhere']>;

export interface PoolWish
  extends Surroundings, Omit<PoolFile, 'stateDir' | 'socket' | 'providers' | 'elsewhere' | 'more'> {
  readonly more?: (places: { readonly dir: string; readonly socket: string }) => NonNullable<PoolFile['more']>;
  /** What they say may depend on the world. */
  readonly providers: PoolFile['providers'] | ((world: World) => PoolFile['providers']);
  readonly elsewhere?: Elsewhere | ((world: World) => Elsewhere);
}

/** A launch takes two seconds at most here; the rest is for machines that do other things as well. */
const patience = { withinMs: 90_000, everyMs: 50 } as const;

/** Of what is asked for an account only, when it failed already. */
const accountMs = 5_000;

/** A start and a life as far as the point. */
const crashMs = 120_000;

export class E2ePool {
  readonly world: World;
  readonly dir: string;
  readonly config: string;
  readonly socket: string;
  readonly client: ControlClient;
  readonly #labels: PoolFile['labels'];
  #daemon: NodepooldProcess | null = null;

  static async open(wish: PoolWish): Promise<E2ePool> {
    const dir = await mkdtemp(join(tmpdir(), 'nodepool-e2e-'));
    // As root, the database runs under another uid, which must reach its files.
    await chmod(dir, 0o711);
    const world = await startSurroundings(wish);
    const pool = new E2ePool(world, dir, wish.labels);
    await mkdir(pool.stateDir, { mode: 0o711 });
    const { stateDir, socket } = pool;
    const providers = typeof wish.providers === 'function' ? wish.providers(world) : wish.providers;
    const { elsewhere: others = [] } = wish;
    const elsewhere = typeof others === 'function' ? others(world) : others;
    const more = wish.more?.({ dir, socket }) ?? {};
    await writePoolFile(pool.config, world, { ...wish, providers, elsewhere, stateDir, socket, more });
    return pool;
  }

  private constructor(world: World, dir: string, labels: PoolFile['labels']) {
    this.world = world;
    this.#labels = labels;
    this.dir = dir;
    this.config = join(dir, 'nodepool.yaml');
    this.socket = join(dir, 'control.sock');
    this.client = new ControlClient(this.socket);
  }

  get stateDir(): string {
    return join(this.dir, 'state');
  }

  get daemon(): NodepooldProcess {
    if (!this.#daemon) throw new Error('no daemon runs');
    return this.#daemon;
  }

  async start(options: Pick<DaemonOptions, 'args' | 'env' | 'fullDisk'> = {}): Promise<void> {
    this.#daemon = await startNodepoold({ config: this.config, stateDir: this.stateDir, ...options });
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    const { daemon } = this;
    const code = await daemon.stop();
    this.#daemon = null;
    return code;
  }

  async kill(): Promise<void> {
    const { daemon } = this;
    this.#daemon = null;
    await daemon.kill();
  }

  /**
   * A daemon that kills itself at this point (`src/domain/crash-points.ts`); resolves with what it said, and rejects where
   * it does not come there.
   */
  async runUntilCrash(point: string): Promise<string> {
    const { config, stateDir } = this;
    const env = { NODEPOOLD_TESTING: '1', NODEPOOLD_CRASH_AT: point };
    const { signal, stderr } = await nodepooldUntilItsEnd({ config, stateDir, env, withinMs: crashMs });
    if (signal === 'SIGKILL') return stderr;
    const account = `it ended by ${signal ?? 'itself'}; it said: ${stderr.slice(-60_000)}`;
    throw new Error(`the daemon was not killed at "${point}": ${account}`);
  }

  /** A command line that finds this daemon by its configuration. */
  cli(...args: readonly string[]): Promise<Run> {
    return nodepool([...args, '-c', this.config]);
  }

  nodes(): Promise<readonly NodeView[]> {
    return this.client.nodes();
  }

  async node(id: number): Promise<NodeView | null> {
    return (await this.nodes()).find(node => node.id === id) ?? null;
  }

  /** Waits until there are so many ready nodes, and no others. */
  untilAtRest(count: number): Promise<readonly NodeView[]> {
    return this.untilNodes(nodes => nodes.length === count && nodes.every(node => node.state === 'ready'));
  }

  /**
   * Waits until every node is ready and each label has its stock. It may have more: jobs may end elsewhere than where
   * they were counted, and what is there is not thrown away.
   */
  untilStocked(): Promise<readonly NodeView[]> {
    return this.untilNodes(nodes => this.#isStock(nodes));
  }

  async isStocked(): Promise<boolean> {
    return this.#isStock(await this.nodes());
  }

  #isStock(nodes: readonly NodeView[]): boolean {
    const isWhole = ([label, stock]: [string, number]): boolean =>
      nodes.filter(node => node.label === label).length >= stock;
    return nodes.every(node => node.state === 'ready') && Object.entries(this.#labels).every(isWhole);
  }

  async untilNodes(isSo: (nodes: readonly NodeView[]) => boolean): Promise<readonly NodeView[]> {
    return until(async () => {
      const nodes = await this.nodes().catch(notYet);
      return nodes && isSo(nodes) ? nodes : null;
    }, patience).catch(async (error: unknown) => {
      throw new Error(`the nodes do not become so: ${isSo.toString()}\n${await this.#account()}`, { cause: error });
    });
  }

  async until(condition: () => unknown): Promise<void> {
    try {
      await until(async () => Boolean(await condition()), patience);
    } catch (error) {
      throw new Error(`it does not become so: ${condition.toString()}\n${await this.#account()}`, { cause: error });
    }
  }

  /** Every actor, by its path. */
  async actors(): Promise<ReadonlyMap<string, TreeView>> {
    const actors = new Map<string, TreeView>();
    const add = (view: TreeView | null): void => {
      if (!view) return;
      actors.set(view.path, view);
      view.children.forEach(add);
    };
    add(await this.client.tree('/'));
    return actors;
  }

  /** Where the tree says that something does not work. */
  async actor(path: string): Promise<TreeView> {
    const found = await this.client.tree(path);
    if (!found) throw new Error(`no actor ${path}`);
    return found;
  }

  leaks(): Promise<Leaks> {
    return findLeaks(this.world, async () => (await this.nodes()).flatMap(node => [node, ...node.subnodes]));
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.#daemon?.stop();
    await endEmbeddedDatabase(this.stateDir);
    await this.world.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  async #account(): Promise<string> {
    const nodes = await inTime(this.nodes());
    const images = await inTime(this.client.images());
    const { servers, slaves } = this.world.judge();
    return JSON.stringify({ nodes, images, servers, slaves, log: this.#daemon?.stderr().slice(-6_000) }, null, 1);
  }
}

/** An account of a daemon that answers nothing, too. */
async function inTime<T>(answer: Promise<T>): Promise<T | string> {
  const late = new AbortController();
  const nothing = delay(accountMs, 'no answer', { signal: late.signal });
  return Promise.race([answer, nothing])
    .catch(String)
    .finally(() => {
      late.abort();
      nothing.catch(() => undefined);
    });
}

/** The socket answers before the database does. */
function notYet(error: unknown): null {
  if (error instanceof ControlError && error.status === 503) return null;
  throw error;
}

/** A daemon that is killed leaves its database running for the next one. */
async function endEmbeddedDatabase(stateDir: string): Promise<void> {
  const pid = embeddedServer(join(stateDir, 'postgres'));
  if (pid === null) return;
  process.kill(pid, 'SIGQUIT');
  await until(() => embeddedServer(join(stateDir, 'postgres')) === null, patience);
}
