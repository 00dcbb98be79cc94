/** Somebody at the command line, who asks for this and that, and does not wait for the answer. */
import type { NodeId } from '../../src/domain/ids.js';
import type { PoolConfig } from '../../src/domain/pool-config.js';
import type { CommandOutcome } from '../../src/ports/control.js';
import type { Pool } from '../support/pool.js';
import type { Climate } from './climate.js';
import type { Dice } from './dice.js';

const holdMs = 600_000;

export class Operator {
  /** Nodes that were promised to stay: held without an end, and nobody has asked otherwise since. */
  readonly held = new Set<NodeId>();
  /** Nodes of which the deletion was asked. */
  readonly unwanted = new Set<NodeId>();
  readonly #pool: Pool;
  readonly #climate: Climate;
  readonly #dice: Dice;
  /** Commands whose effect may still come. */
  readonly #asked = new Map<NodeId, number>();
  readonly #original: PoolConfig;
  #commands = 0;

  constructor(pool: Pool, climate: Climate, dice: Dice) {
    this.#pool = pool;
    this.#climate = climate;
    this.#dice = dice;
    this.#original = pool.config;
  }

  /** What may happen between two steps. */
  change(): void {
    const dice = this.#dice;
    if (!this.#pool.isRunning) return;
    if (dice.chance(this.#climate.command)) this.#command();
    if (dice.chance(this.#climate.imageCommand)) this.#imageCommand();
    if (dice.chance(this.#climate.reload)) this.#reload();
    if (dice.chance(this.#climate.actorRestart)) {
      const actor = dice.pickAny(this.#pool.actors());
      if (actor) forget(this.#pool.api.restart(actor.path));
    }
  }

  /** Whatever is held is not needed any more. */
  letGo(): void {
    if (!this.#pool.isRunning) return;
    for (const row of this.#pool.in('hold')) {
      this.#asked.set(row.id, ++this.#commands);
      this.held.delete(row.id);
      this.unwanted.add(row.id);
      forget(this.#pool.api.delete(Number(row.id), { now: false }));
    }
  }

  #command(): void {
    const dice = this.#dice;
    const row = dice.pickAny(this.#pool.rows());
    if (!row) return;
    const number = ++this.#commands;
    this.#asked.set(row.id, number);
    const id = Number(row.id);
    const { api } = this.#pool;
    switch (dice.pick(['hold', 'hold', 'hold-for', 'release', 'delete'])) {
      case 'hold':
        // More than these would use up the room for the stock.
        if (this.#pool.in('hold').length < 3) this.#hold(row.id, api.hold(id, { reason: 'looked at', forMs: null }));
        return;
      case 'hold-for':
        this.held.delete(row.id);
        forget(api.hold(id, { reason: 'looked at', forMs: dice.int(1, holdMs) }));
        return;
      case 'release':
        this.held.delete(row.id);
        forget(api.release(id));
        return;
      case 'delete':
        this.held.delete(row.id);
        this.unwanted.add(row.id);
        forget(api.delete(id, { now: dice.chance(0.3) }));
    }
  }

  #imageCommand(): void {
    const { api, config } = this.#pool;
    const row = this.#dice.pickAny(this.#pool.snapshots());
    if (row && this.#dice.chance(0.3)) {
      forget(api.deleteImage(Number(row.id)));
      return;
    }
    const wanted = config.providers.flatMap(({ name, images }) =>
      images.map(image => ({ provider: name, image: image.name })),
    );
    const image = this.#dice.pickAny(wanted);
    if (image) forget(api.updateImage(image));
  }

  /** More or less of everything; what there is at most only grows, so that it says what there was at any time. */
  #reload(): void {
    const dice = this.#dice;
    const { config } = this.#pool;
    const providers = config.providers.map(provider => ({
      ...provider,
      maxServers: provider.maxServers + dice.int(0, 1),
      concurrency: { ...provider.concurrency, launches: dice.int(2, 10), deletes: dice.int(1, 10) },
    }));
    const labels = this.#original.labels.map(label => ({
      ...label,
      minReady: dice.int(0, label.minReady),
      providers: dice.chance(0.3) ? label.providers.slice(0, 1) : label.providers,
    }));
    const targets = dice.chance(0.2) ? this.#original.targets.slice(0, 1) : this.#original.targets;
    this.#pool.write({ ...config, providers, labels, targets });
    forget(this.#pool.api.reload());
  }

  /** The labels and targets of the beginning. */
  restore(): void {
    const { labels, targets } = this.#original;
    this.#pool.write({ ...this.#pool.config, labels, targets });
    if (this.#pool.isRunning) forget(this.#pool.api.reload());
  }

  #hold(id: NodeId, asked: Promise<CommandOutcome>): void {
    const number = this.#asked.get(id);
    forget(
      asked.then(outcome => {
        // A command that was given meanwhile may have come first.
        if (outcome.kind === 'done' && this.#asked.get(id) === number) this.held.add(id);
      }),
    );
  }
}

/** A daemon that dies answers nobody, and a refusal is an answer. */
function forget(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}
