/** The daemon between a real cloud and simulated masters; the world's machines play the cloud's guests. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { ControlClient } from '../../src/http/client.js';
import type { NodeView } from '../../src/ports/control.js';
import { startWorld, type World } from '../../src/sim/world.js';
import { nodepool, startNodepoold, type NodepooldProcess, type Run } from '../support/daemon.js';
import { embeddedServer } from '../support/postgres.js';
import { until } from '../support/until.js';
import { Guests } from './guests.js';
import { leftIn, type Belongings } from './belongings.js';
import { untilCloud, type RealCloud } from './real-cloud.js';

export interface RealPoolWish {
  readonly labels: readonly object[];
  /** Each with the login of this world's machines. */
  readonly providers: (login: object) => readonly object[];
  /** Of the scripts that are copied to template servers, by name. */
  readonly scripts?: Readonly<Record<string, string>>;
  /** Of the daemon's environment, besides those of the cloud. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A real cloud takes seconds for what is asked of it. */
const timings = {
  pass: 1,
  'delete-delay': 1,
  'server-list': 2,
  poll: 1,
  'check-ssh': 20,
  api: 60,
  'demand-age': 60,
  stop: 30,
};

export class RealPool {
  readonly world: World;
  readonly client: ControlClient;
  /** Names of the nodes whose job has ended. */
  readonly finished: string[] = [];
  readonly #dir: string;
  readonly #guests: Guests;
  readonly #real: RealCloud;
  readonly #before: Belongings;
  #wish: RealPoolWish;
  #daemon: NodepooldProcess | null = null;

  static async open(real: RealCloud, wish: RealPoolWish): Promise<RealPool> {
    const dir = await mkdtemp(join(tmpdir(), 'nodepool-openstack-'));
    // As root, the database runs under another uid, which must reach its files.
    await chmod(dir, 0o711);
    await mkdir(join(dir, 'state'), { mode: 0o711 });
    await mkdir(join(dir, 'scripts'));
    for (const [name, text] of Object.entries(wish.scripts ?? {})) {
      await writeFile(join(dir, 'scripts', name), text, { mode: 0o755 });
    }
    const before = await leftIn(real);
    const world = await startWorld({ clouds: [], masters: [{ name: 'jenkins01' }] });
    const guests = await Guests.start(real, world);
    const pool = new RealPool({ real, dir, world, guests, before, wish });
    await pool.#write();
    return pool;
  }

  private constructor(parts: {
    real: RealCloud;
    dir: string;
    world: World;
    guests: Guests;
    before: Belongings;
    wish: RealPoolWish;
  }) {
    this.#real = parts.real;
    this.#wish = parts.wish;
    this.#dir = parts.dir;
    this.world = parts.world;
    this.#guests = parts.guests;
    this.#before = parts.before;
    this.client = new ControlClient(join(parts.dir, 'control.sock'));
    this.world.jobs.onFinished(({ nodeName }) => this.finished.push(nodeName));
  }

  get #config(): string {
    return join(this.#dir, 'nodepool.yaml');
  }

  /** With this environment's OpenStack, and no other part of the environment. */
  async start(): Promise<void> {
    const stateDir = join(this.#dir, 'state');
    const env = { ...cloudVariables(), ...this.#wish.variables };
    this.#daemon = await startNodepoold({ config: this.#config, stateDir, env, withinMs: 120_000 });
    await this.until(async () => (await this.client.readiness()).ready);
  }

  /** Another configuration for the daemon that runs. */
  async reload(wish: Partial<RealPoolWish>): Promise<void> {
    this.#wish = { ...this.#wish, ...wish };
    await this.#write();
    await this.client.reload();
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill();
    this.#daemon = null;
  }

  /** A command line that finds this daemon by its configuration. */
  cli(...args: readonly string[]): Promise<Run> {
    return nodepool([...args, '-c', this.#config], { env: cloudVariables() });
  }

  async untilNodes(isSo: (nodes: readonly NodeView[]) => boolean): Promise<readonly NodeView[]> {
    return this.until(async () => {
      const nodes = await this.client.nodes();
      return isSo(nodes) && nodes;
    });
  }

  /** Waits until there are so many nodes at least, and all of them are ready. */
  untilReady(count: number): Promise<readonly NodeView[]> {
    return this.untilNodes(nodes => nodes.length >= count && nodes.every(({ state }) => state === 'ready'));
  }

  async until<T>(condition: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
    try {
      return await untilCloud(condition);
    } catch (error) {
      const nodes = await this.client.nodes().catch(String);
      const log = this.#daemon?.stderr().slice(-8_000);
      throw new Error(`it does not become so: ${condition.toString()}\n${JSON.stringify({ nodes, log }, null, 1)}`, {
        cause: error,
      });
    }
  }

  /** What the cloud has now that it did not have at first. */
  async left(): Promise<Belongings> {
    const now = await leftIn(this.#real);
    const fresh = (kind: keyof Belongings): readonly string[] =>
      now[kind].filter(id => !this.#before[kind].includes(id));
    return {
      servers: fresh('servers'),
      addresses: fresh('addresses'),
      keypairs: fresh('keypairs'),
      ports: fresh('ports'),
      images: fresh('images'),
    };
  }

  /** Deletes every node, and waits until the cloud has nothing of theirs. */
  async empty(): Promise<void> {
    for (const { id } of await this.client.nodes()) await this.client.delete(id, { now: true });
    await this.untilNodes(nodes => nodes.length === 0);
  }

  #write(): Promise<void> {
    return writeFile(this.#config, stringify(fileOf(this.world, this.#dir, this.#wish)));
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.#daemon?.stop();
    const database = join(this.#dir, 'state', 'postgres');
    const pid = embeddedServer(database);
    if (pid !== null) {
      process.kill(pid, 'SIGQUIT');
      await until(() => embeddedServer(database) === null);
    }
    await this.#guests.stop();
    await this.world.close();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

function cloudVariables(): Readonly<Record<string, string>> {
  const variables = Object.entries(process.env).flatMap(([key, value]): [string, string][] =>
    key.startsWith('OS_') && value !== undefined ? [[key, value]] : [],
  );
  return Object.fromEntries(variables);
}

function fileOf(world: World, dir: string, wish: RealPoolWish): unknown {
  const { gearman, ssh } = world;
  const login = { username: ssh.username, 'private-key': ssh.privateKeyFile, 'ssh-port': ssh.port };
  return {
    dburi: 'embedded:',
    'state-dir': join(dir, 'state'),
    control: { socket: join(dir, 'control.sock') },
    'script-dir': join(dir, 'scripts'),
    'zmq-publishers': [...world.masters.values()].map(({ zmqEndpoint }) => zmqEndpoint),
    'gearman-servers': gearman === null ? [] : [{ host: gearman.host, port: gearman.port }],
    labels: wish.labels,
    // Without keys of their own they take the credentials of the environment.
    providers: wish.providers(login).map(provider => ({
      rate: 0.01,
      'boot-timeout': 300,
      'launch-timeout': 900,
      ...provider,
    })),
    targets: [...world.masters.values()].map(({ name, url, user, apikey, credentialsId }) => ({
      name,
      rate: 0.001,
      jenkins: { url, user, apikey, 'credentials-id': credentialsId },
    })),
    timings,
  };
}
