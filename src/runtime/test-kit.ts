/**
 * A run of actors that repeats itself. Its seed draws the chance that actors see and which of those that are ready has its
 * turn; its clock stands still until it is moved; its trace says what happened, point by point. At any of those points an
 * actor can be made to fail, or the whole process to end as by `kill -9`.
 */
import { ManualClock } from './manual-clock.js';
import { seededRandom } from './random.js';
import { ActorSystem, type Point, type SystemOptions } from './system.js';

export interface SeededRunOptions extends Omit<SystemOptions, 'clock' | 'random' | 'order' | 'probe'> {
  readonly seed: number;
  /** The points, counted from 1, at which the actor fails: those of a message or of the beginning of a life. */
  readonly failAt?: ReadonlySet<number>;
  /** The point, counted from 1, at which the process ends: nothing has a turn after it. */
  readonly crashAt?: number;
  /** How a message is written into the trace. Default: its `type`, or what it is. */
  readonly nameOf?: (message: unknown) => string;
}

/** Thrown where an actor was to fail. */
export class Injected extends Error {
  constructor(point: number) {
    super(`made to fail at point ${point}`);
    this.name = 'Injected';
  }
}

export class SeededRun {
  readonly clock = new ManualClock();
  readonly system: ActorSystem;
  /** One line for each point that was passed: time, kind, path, and what came. */
  readonly trace: string[] = [];
  readonly #options: SeededRunOptions;

  constructor(options: SeededRunOptions) {
    const { seed } = options;
    this.#options = options;
    this.system = new ActorSystem({
      ...options,
      clock: this.clock,
      random: seededRandom(seed),
      // Another sequence than that of the actors, so that a change of one does not shift the other.
      order: seededRandom(~seed),
      probe: point => this.#pass(point),
    });
    this.clock.isBusy = () => !this.system.scheduler.isIdle;
  }

  /** How many points were passed. */
  get points(): number {
    return this.trace.length;
  }

  get isCrashed(): boolean {
    return this.system.scheduler.isHalted;
  }

  /** Ends the process now. */
  crash(): void {
    this.system.scheduler.halt();
  }

  #pass(point: Point): void {
    if (this.isCrashed) return;
    this.trace.push(`${this.clock.now()} ${point.type} ${point.path}${this.#detailOf(point)}`);
    const number = this.points;
    if (number === this.#options.crashAt) this.crash();
    else if (canFail(point) && this.#options.failAt?.has(number) === true) throw new Injected(number);
  }

  #detailOf(point: Point): string {
    if (point.type === 'life') return ` ${point.number}`;
    return point.type === 'message' ? ` ${(this.#options.nameOf ?? nameOf)(point.message)}` : '';
  }
}

function canFail({ type }: Point): boolean {
  return type === 'message' || type === 'life';
}

function nameOf(message: unknown): string {
  if (typeof message === 'string') return message;
  if (typeof message === 'object' && message !== null && 'type' in message) return String(message.type);
  return typeof message;
}
