import type { Chance } from '../chance.js';
import type { Timers } from '../timers.js';
import type { Computer } from './computer.js';
import { eventFrame, type Phase } from './event-frame.js';
import type { MasterSettings, Profile } from './settings.js';

/** What is to be built, and whom to tell. */
export interface BuildOrder {
  readonly job: string;
  readonly durationMs: number;
  readonly result: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether the node is set offline after the build and before anything else may start on it. */
  readonly offlineWhenComplete: boolean;
  readonly started?: (build: Build) => void;
  /** After onFinalized, before the executor is free: the moment at which a Gearman client gets its answer. */
  readonly finished: (build: Build) => void;
}

export interface Build {
  readonly job: string;
  readonly number: number;
  readonly order: BuildOrder;
  readonly computer: Computer;
  readonly cancelEnd: () => void;
  result: string | null;
  /** Lost its machine while it ran. */
  wasKilled: boolean;
}

interface BuildsParts {
  readonly profile: Profile;
  readonly settings: MasterSettings;
  readonly chance: Chance;
  readonly timers: Timers;
  readonly rootUrl: () => string;
  readonly publish: (frame: string) => void;
  readonly setOffline: (computer: Computer, reason: string) => void;
  /** An executor is free again. */
  readonly released: (computer: Computer) => void;
}

/** The builds that run on a master, with their events in Jenkins' own order. */
export class Builds {
  readonly #parts: BuildsParts;
  readonly #numbers = new Map<string, number>();

  constructor(parts: BuildsParts) {
    this.#parts = parts;
  }

  /** Takes an executor of the computer at once. */
  start(computer: Computer, order: BuildOrder): Build {
    const number = (this.#numbers.get(order.job) ?? 0) + 1;
    this.#numbers.set(order.job, number);
    const cancelEnd = this.#parts.timers.after(order.durationMs, () => this.#end(build, order.result));
    const build: Build = { job: order.job, number, order, computer, cancelEnd, result: null, wasKilled: false };
    computer.builds.add(build);
    this.#publish(build, 'STARTED');
    order.started?.(build);
    return build;
  }

  /** The computer has lost its machine: its builds fail at their next remote call, a moment later. */
  kill(computer: Computer): void {
    for (const build of computer.builds) {
      if (build.wasKilled) continue;
      build.wasKilled = true;
      build.cancelEnd();
      const delayMs = this.#parts.chance.between(this.#parts.settings.dyingMs);
      this.#parts.timers.after(delayMs, () => this.#end(build, 'ABORTED'));
    }
  }

  /** Drops the running builds without any event, as a master that is restarted does. */
  forget(computer: Computer): void {
    for (const build of computer.builds) {
      build.cancelEnd();
      build.wasKilled = true;
      build.result = 'ABORTED';
      computer.builds.delete(build);
      build.order.finished(build);
    }
  }

  #end(build: Build, result: string): void {
    const { computer, order } = build;
    if (build.result !== null) return;
    build.result = result;
    this.#publish(build, 'COMPLETED');
    this.#publish(build, 'FINISHED');
    order.finished(build);
    if (order.offlineWhenComplete && computer.node) {
      this.#parts.setOffline(computer, 'Offline due to Gearman request');
    }
    computer.builds.delete(build);
    this.#parts.released(computer);
  }

  #publish(build: Build, phase: Phase): void {
    const { order, computer, job, number } = build;
    const frame = eventFrame({
      job,
      fullUrl: `${this.#parts.rootUrl()}job/${job}/${number}/`,
      number,
      phase,
      status: build.result ?? undefined,
      parameters: Object.keys(order.parameters).length > 0 ? order.parameters : undefined,
      nodeName: computer.name,
      // The plugin of 2014 did not know the description, and a node that is gone has none.
      nodeDescription: this.#parts.profile === 'new' ? computer.node?.description : undefined,
      hostName: 'localhost',
    });
    this.#parts.publish(frame);
  }
}
