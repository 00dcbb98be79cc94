/** Jobs that come, run on slaves and end; each is told of as the climate lets it. */
import type { NodeId, NodeName, ServerId } from '../../src/domain/ids.js';
import type { FakeSlave } from '../support/fake-ci.js';
import type { FakeCloud } from '../support/fake-cloud.js';
import { gearman, publisher } from '../support/pool-config.js';
import { frame, type Pool } from '../support/pool.js';
import { testJob, type Climate } from './climate.js';
import type { Dice } from './dice.js';

interface Job {
  readonly node: NodeId;
  readonly name: NodeName;
  readonly cloud: FakeCloud;
  readonly server: ServerId;
}

const longestTestMs = 60_000;
const longestJobMs = 300_000;
const latestEventMs = 60_000;

export class Workload {
  readonly running = new Map<NodeName, Job>();
  started = 0;
  /** Ended with their machine although nobody asked for it, whether or not the daemon had heard of them. */
  readonly killed: string[] = [];
  readonly #pool: Pool;
  readonly #climate: Climate;
  readonly #dice: Dice;
  #isOver = false;

  constructor(pool: Pool, climate: Climate, dice: Dice) {
    this.#pool = pool;
    this.#climate = climate;
    this.#dice = dice;
  }

  /** What may happen between two steps. */
  change(): void {
    const dice = this.#dice;
    if (dice.chance(0.1)) this.#want();
    this.runTests();
    if (dice.chance(0.4)) {
      const labels = this.#pool.config.labels.map(({ name }) => name);
      const name = dice.pickAny(labels.flatMap(label => this.#pool.jobs.free(label)));
      if (name !== null) this.#start(name);
    }
  }

  /** What new nodes have to pass. */
  runTests(): void {
    for (const { testJobs, slaves } of this.#pool.masters.values()) {
      for (const test of testJobs.splice(0)) {
        const { name } = test;
        const slave = slaves.get(name);
        if (!slave) continue;
        if (!slave.idle || slave.offline || slave.offlineReason !== null) {
          // It waits for the one executor there is.
          testJobs.push(test);
          continue;
        }
        this.#beBusy(slave, true);
        this.#tell(frame('onStarted', name, { job: testJob }));
        this.#pool.clock.after(this.#dice.int(1_000, longestTestMs), () => {
          this.#beBusy(slaves.get(name), false);
          const result = this.#isOver || this.#dice.chance(0.8) ? 'SUCCESS' : 'FAILURE';
          this.#tell(frame('onFinalized', name, { job: testJob, result }));
        });
      }
    }
  }

  /** No new jobs wait, but what is ready beyond the stock is used up. */
  endGently(): void {
    this.#isOver = true;
    this.#pool.demand.set(gearman, []);
  }

  useUpSurplus(): void {
    for (const { name, minReady } of this.#pool.config.labels) {
      const [slave] = this.#pool.jobs.free(name);
      if (slave !== undefined && this.#pool.in('ready', name).length > minReady) this.#start(slave);
    }
  }

  /** `isWanted`: its end is not our doing, or an operator has asked for it. */
  look(isWanted: (node: NodeId, server: ServerId) => boolean): void {
    for (const job of this.running.values()) {
      const isThere = job.cloud.servers.some(({ id }) => id === job.server) && this.#isSlave(job.name);
      if (isThere) continue;
      this.running.delete(job.name);
      if (!isWanted(job.node, job.server)) this.killed.push(`${job.name} on ${job.server}`);
    }
  }

  #want(): void {
    const functions = this.#pool.config.labels.map(({ name }) => ({
      name: `build:job:${name}`,
      total: this.#dice.int(0, 4),
    }));
    this.#pool.demand.set(gearman, functions);
  }

  #start(name: NodeName): void {
    const row = this.#pool.rows().find(({ nodename }) => nodename === name);
    const cloud = row && this.#pool.clouds.get(row.provider);
    if (!row?.serverId || !cloud) return;
    this.started++;
    this.running.set(name, { node: row.id, name, cloud, server: row.serverId });
    this.#pool.jobs.start(name, { isHeard: false });
    this.#tell(frame('onStarted', name));
    this.#pool.clock.after(this.#dice.int(1_000, longestJobMs), () => this.#finish(name));
  }

  #finish(name: NodeName): void {
    this.running.delete(name);
    this.#pool.jobs.finish(name, { isHeard: false });
    // As the Gearman plugin of the masters does with OFFLINE_NODE_WHEN_COMPLETE, whatever we have heard by then.
    for (const master of this.#pool.masters.values()) {
      const slave = master.slaves.get(name);
      if (slave) slave.offline = true;
    }
    this.#tell(frame('onFinalized', name, { result: this.#dice.chance(0.8) ? 'SUCCESS' : 'FAILURE' }));
  }

  #tell(text: string): void {
    const dice = this.#dice;
    const { eventLost, eventDoubled, eventDelayed } = this.#climate;
    if (!this.#isOver && dice.chance(eventLost)) return;
    const copies = dice.chance(eventDoubled) ? 2 : 1;
    for (let n = 0; n < copies; n++) {
      const delayMs = dice.chance(eventDelayed) ? dice.int(1, latestEventMs) : 0;
      this.#pool.clock.after(delayMs, () => this.#pool.events.publisher(publisher).publish(text));
    }
  }

  #beBusy(slave: FakeSlave | undefined, isBusy: boolean): void {
    if (slave) slave.idle = !isBusy;
  }

  #isSlave(name: NodeName): boolean {
    return [...this.#pool.masters.values()].some(({ slaves }) => slaves.has(name));
  }
}
