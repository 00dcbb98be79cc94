/**
 * One simulated world from a seed: the production actors over fakes in virtual time, with a workload, an operator and all
 * the trouble of its climate, and with a daemon that may be killed at any message and any await. After each step, and at
 * the end, when the trouble is over and the pool has come to rest, the invariants are checked.
 *
 *     const outcome = await simulate({ seed: 42, steps: 200 });
 */
import { Fault } from '../../src/domain/fault.js';
import type { TreeView } from '../../src/ports/control.js';
import { Overdue } from '../../src/runtime/actor.js';
import type { Point } from '../../src/runtime/system.js';
import { describeRow, Pool, type Director } from '../support/pool.js';
import { expectClean } from '../support/pool-images.js';
import { describeClimate, drawClimate, drawPool, type Climate } from './climate.js';
import { Dice } from './dice.js';
import { Operator } from './operator.js';
import { Trace } from './trace.js';
import { Weather } from './weather.js';
import { Workload } from './workload.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** Keeps each line of the trace. */
  readonly isTraced?: boolean;
}

export interface Outcome {
  readonly seed: number;
  readonly climate: string;
  /** The same for the same seed and steps. */
  readonly sum: string;
  readonly points: number;
  readonly crashes: number;
  readonly jobs: number;
  readonly servers: number;
  readonly simulatedMs: number;
  readonly trace: readonly string[];
}

/** Something that must never be. */
export class Violation extends Error {
  readonly trace: readonly string[];

  constructor(message: string, trace: readonly string[], cause?: unknown) {
    super(message, { cause });
    this.name = 'Violation';
    this.trace = trace;
  }
}

const hourMs = 3_600_000;
/** Above the longest back-off of anybody, and the hour after which a parked actor is tried again. */
const longestRestMs = 6 * hourMs;

export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const simulation = new Simulation(options);
  return simulation.run();
}

class Simulation implements Director {
  readonly order: () => number;
  readonly #options: SimulationOptions;
  readonly #climate: Climate;
  readonly #dice: Dice;
  readonly #crashDice: Dice;
  readonly #pool: Pool;
  readonly #workload: Workload;
  readonly #operator: Operator;
  readonly #weather: Weather;
  readonly #trace: Trace;
  readonly #startMs: number;
  #crashes = 0;
  /** Points until the process is killed. */
  #lifeLeft = Infinity;
  #step = 0;

  constructor(options: SimulationOptions) {
    const { seed } = options;
    // A sequence for each, so that a change of one does not shift the others.
    const dice = (of: number): Dice => new Dice(Math.imul(seed, 64) + of);
    this.#options = options;
    this.#dice = dice(0);
    this.#crashDice = dice(1);
    this.order = dice(2).next;
    this.#climate = drawClimate(dice(3));
    this.#pool = new Pool({ ...drawPool(dice(4)), seed: Math.imul(seed, 64) + 5, director: this });
    this.#workload = new Workload(this.#pool, this.#climate, dice(6));
    this.#operator = new Operator(this.#pool, this.#climate, dice(7));
    this.#weather = new Weather(this.#pool, this.#climate, dice(8));
    this.#trace = new Trace(options.isTraced ?? false);
    this.#startMs = this.#pool.clock.now();
  }

  async run(): Promise<Outcome> {
    try {
      while (this.#step++ < this.#options.steps) await this.#oneStep();
      await this.#comeToRest();
    } catch (error) {
      throw this.#violation(error);
    }
    return this.#outcome();
  }

  // ── What the daemon's run asks of its director ───────────────────────────────────────────────────────────────────

  passing(point: Point): void {
    this.#trace.add(`${this.#now} ${point.type} ${point.path}${detailOf(point)}`);
    this.#age();
  }

  crossing(what: string): void {
    this.#trace.add(`${this.#now} ${what}`);
    this.#age();
  }

  #age(): void {
    if (--this.#lifeLeft > 0 || !this.#pool.isRunning || this.#weather.isMending) return;
    this.#trace.add(`${this.#now} the process is killed`);
    this.#crashes++;
    this.#pool.crash();
  }

  get #now(): number {
    return this.#pool.clock.now() - this.#startMs;
  }

  // ── Steps ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #oneStep(): Promise<void> {
    const dice = this.#dice;
    if (!this.#pool.isRunning && dice.chance(0.7)) await this.#start();
    this.#weather.change();
    this.#workload.change();
    this.#operator.change();
    const isStopped = dice.chance(this.#climate.gracefulStop) && !this.#weather.isMending;
    if (this.#pool.isRunning && isStopped) await this.#stop();
    await this.#pool.advance(dice.exponential(this.#climate.stepMs));
    this.#check();
  }

  async #start(): Promise<void> {
    const { pointsPerCrash } = this.#climate;
    this.#lifeLeft = pointsPerCrash === null ? Infinity : this.#crashDice.exponential(pointsPerCrash);
    await this.#pool.restart();
  }

  /** It may be killed while it stops. */
  async #stop(): Promise<void> {
    const { system, config } = this.#pool;
    let isOver = false;
    void system.stop(config.timings.stop).then(() => (isOver = true));
    await this.#pool.until(() => isOver || !this.#pool.isRunning, 2 * config.timings.stop);
    if (this.#pool.isRunning) this.#pool.crash();
  }

  #check(): void {
    const { jobs, store } = this.#pool;
    this.#restartIfGivenUp();
    this.#workload.look((id, server) => this.#operator.unwanted.has(id) || this.#weather.vanished.has(server));
    for (const [name, { maxServers }] of this.#providers) {
      const { serversPeak } = this.#pool.cloud(name);
      if (serversPeak > maxServers) throw new Error(`${name} had ${serversPeak} servers, and may have ${maxServers}`);
    }
    if (store.slotsPeak > this.#slotsMax) throw new Error(`${store.slotsPeak} connections were lent or being closed`);
    for (const id of this.#weather.isMending ? [] : this.#operator.held) {
      const row = store.database.nodes.get(id);
      if (row?.state !== 'hold') throw new Error(`held node ${id} is ${row ? describeRow(row) : 'gone'}`);
    }
    if (jobs.second.length > 0) throw new Error(`a second job ran on ${jobs.second.join(', ')}`);
    const [killed] = this.#workload.killed;
    if (killed !== undefined) throw new Error(`a job was killed: ${killed}`);
    for (const { path, error } of this.#pool.failures) {
      if (!isTrouble(error)) throw new Error(`${path} failed: ${String(error)}`, { cause: error });
    }
    if (this.#pool.overflows > 0) throw new Error('a mailbox was full');
  }

  /** Beside the five that the daemon has for itself. */
  get #slotsMax(): number {
    return (this.#pool.config.database.maxConnections ?? 140) - 5;
  }

  get #providers(): Iterable<[string, { readonly maxServers: number }]> {
    return this.#pool.config.providers.map(provider => [provider.name, provider]);
  }

  /** As a service manager does, where the database refused too often. */
  #restartIfGivenUp(): void {
    const { gaveUp } = this.#pool;
    if (gaveUp === null) return;
    if (this.#climate.storeFails === 0) throw new Error(`the daemon gave up: ${gaveUp}`);
    if (this.#pool.isRunning) this.#pool.crash();
    this.#pool.gaveUp = null;
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #comeToRest(): Promise<void> {
    this.#weather.clear();
    this.#workload.endGently();
    this.#lifeLeft = Infinity;
    this.#operator.restore();
    if (!this.#pool.isRunning) await this.#pool.restart();
    const until = this.#pool.clock.now() + longestRestMs;
    // Once at least: the configuration of before is read again.
    do {
      if (this.#pool.clock.now() > until) {
        throw new Error(`no rest within ${longestRestMs / hourMs} hours; astray: ${this.#strays.join() || 'nothing'}`);
      }
      this.#operator.letGo();
      this.#workload.runTests();
      this.#workload.useUpSurplus();
      await this.#pool.advance(10_000);
      this.#check();
      if (!this.#pool.isRunning) await this.#pool.restart();
    } while (!this.#isAtRest);
    await this.#pool.advance(1_000);
    const { config } = this.#pool;
    const ready = Object.fromEntries(config.labels.map(({ name }) => [name, this.#pool.in('ready', name).length]));
    this.#pool.checkAtRest({ ready, failures: this.#pool.failures.length });
    expectClean(this.#pool);
  }

  get #isAtRest(): boolean {
    const { config } = this.#pool;
    if (this.#workload.running.size > 0 || this.#pool.rows().some(({ state }) => state !== 'ready')) return false;
    if (this.#pool.snapshots().some(({ state, step }) => state !== 'ready' || step !== null)) return false;
    if (this.#strays.length > 0) return false;
    const isStocked = config.labels.every(({ name, minReady }) => this.#pool.in('ready', name).length >= minReady);
    // One that is to be replaced is ready until its master has said that nothing runs on it.
    const isCalm = ({ kind, state, task }: TreeView): boolean =>
      state !== 'parked' && state !== 'waiting' && (kind !== 'node' || task === null);
    return isStocked && this.#pool.actors().every(isCalm);
  }

  /** What a call made that came to a cloud late is found by the sweeps, as is a registration that came late to a master. */
  get #strays(): readonly string[] {
    const rows = this.#pool.rows();
    const machines = rows.flatMap(row => [row, ...row.subnodes].map(own => ({ ...own, provider: row.provider })));
    const templates = this.#pool.snapshots();
    const known = new Set([
      ...machines.flatMap(({ provider, serverId, addressId }) => [
        `${provider} ${serverId}`,
        `${provider} ${addressId}`,
      ]),
      ...templates.map(({ provider, imageId }) => `${provider} ${imageId}`),
      ...rows.map(({ nodename }) => nodename),
    ]);
    const there = [...this.#pool.clouds].flatMap(([name, { servers, addresses, ownImages, keypairs }]) => [
      ...[...servers, ...addresses, ...ownImages].map(({ id }) => `${name} ${id}`),
      ...[...keypairs.keys()].map(key => `${name} ${key}`),
    ]);
    return [...there, ...this.#pool.slaves()].filter(each => !known.has(each));
  }

  #violation(error: unknown): Violation {
    const message = error instanceof Error ? error.message : String(error);
    const { seed, steps } = this.#options;
    const again = `npm run sim -- --seed ${seed} --steps ${steps} --trace`;
    const rows = this.#pool.rows().map(describeRow).join('\n');
    const actors = this.#pool.isRunning ? this.#pool.actors().map(describeActor) : ['no daemon runs'];
    const servers = [...this.#pool.clouds].flatMap(([name, cloud]) =>
      cloud.servers.map(({ id, status, metadata }) => `${name} ${id} ${status} ${metadata['nodepool'] ?? ''}`),
    );
    const where = `seed ${seed}, step ${this.#step} of ${steps}, ${this.#now} ms`;
    const climate = describeClimate(this.#climate);
    return new Violation(
      `${message}\n${where}: ${again}\n${climate}\nrows:\n${rows}\nservers:\n${servers.join('\n')}\nactors:\n${actors.join('\n')}`,
      this.#trace.lines,
      error,
    );
  }

  #outcome(): Outcome {
    const servers = [...this.#pool.clouds.values()].reduce(
      (sum, cloud) => sum + cloud.callsOf('createServer').length,
      0,
    );
    return {
      seed: this.#options.seed,
      climate: describeClimate(this.#climate),
      sum: this.#trace.sum,
      points: this.#trace.length,
      crashes: this.#crashes,
      jobs: this.#workload.started,
      servers,
      simulatedMs: this.#now,
      trace: this.#trace.lines,
    };
  }
}

function describeActor({ path, state, task, connection }: TreeView): string {
  return `${path} ${state}${task ? `, ${task.name}` : ''}${connection ? `, connection ${connection.state}` : ''}`;
}

/** What the world may do to an actor; anything else that ends one of its lives is a bug. */
function isTrouble(error: unknown): boolean {
  return error instanceof Fault || error instanceof Overdue;
}

function detailOf(point: Point): string {
  if (point.type === 'life') return ` ${point.number}`;
  if (point.type !== 'message') return '';
  const { message } = point;
  return typeof message === 'object' && message !== null && 'type' in message ? ` ${String(message.type)}` : '';
}
