/** Frames of the publishers that are lost or come twice, and times at which none comes, though the connection is there. */
import type { Chance } from '../../src/sim/chance.js';
import type { SimMaster } from '../../src/sim/jenkins/master.js';

export interface EventLosses {
  readonly lost: number;
  readonly repeated: number;
  readonly silences: number;
}

const silenceSeconds = [4, 12] as const;

export class EventTrouble {
  readonly #masters: readonly SimMaster[];
  readonly #chance: Chance;
  readonly #everySeconds: number;
  #lost = 0;
  #repeated = 0;
  #silences = 0;
  #silent: SimMaster | null = null;
  /** When the silence begins or ends. */
  #turnsAt: number;

  constructor(masters: Iterable<SimMaster>, chance: Chance, everySeconds: number) {
    this.#masters = [...masters];
    this.#chance = chance;
    this.#everySeconds = everySeconds;
    this.#turnsAt = everySeconds;
  }

  begin(rate: number): void {
    for (const master of this.#masters) master.publisher.copies = () => this.#copies(master, rate);
  }

  end(): void {
    for (const { publisher } of this.#masters) publisher.copies = () => 1;
  }

  /** One publisher after the other is silent for a while. */
  tick(seconds: number): void {
    if (this.#everySeconds === 0 || seconds < this.#turnsAt) return;
    if (this.#silent === null) {
      this.#silent = this.#masters[this.#silences++ % this.#masters.length] ?? null;
      this.#turnsAt = seconds + this.#chance.between(silenceSeconds);
    } else {
      this.#silent = null;
      this.#turnsAt = seconds + this.#everySeconds;
    }
  }

  get losses(): EventLosses {
    return { lost: this.#lost, repeated: this.#repeated, silences: this.#silences };
  }

  #copies(master: SimMaster, rate: number): number {
    if (master === this.#silent || this.#chance.happens(rate)) {
      this.#lost++;
      return 0;
    }
    if (!this.#chance.happens(rate)) return 1;
    this.#repeated++;
    return 2;
  }
}
