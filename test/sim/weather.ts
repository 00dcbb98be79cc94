/** The trouble that the world makes of its own accord, call by call and for whole parties, until it clears up. */
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import { networkId, type NodeId, type ServerId, type SnapshotId } from '../../src/domain/ids.js';
import type { ActorSystem } from '../../src/runtime/system.js';
import type { CallTrouble } from '../support/fake-ci.js';
import type { CloudOp, FakeCloud, Trouble } from '../support/fake-cloud.js';
import type { JobEnding } from '../support/fake-shell.js';
import type { StoreMethod, StoreTrouble } from '../support/fake-store.js';
import { gearman, publisher } from '../support/pool-config.js';
import type { Pool } from '../support/pool.js';
import type { Climate } from './climate.js';
import type { Dice } from './dice.js';

const cloudTrouble = ['cloud.unreachable', 'cloud.error', 'cloud.rate-limited', 'cloud.conflict'] as const;
const createTrouble = [...cloudTrouble, 'cloud.quota', 'cloud.no-capacity'] as const;
const doubtful = ['cloud.unreachable', 'cloud.error', 'cloud.bad-answer'] as const;
const ciTrouble = ['jenkins.unreachable', 'jenkins.error', 'jenkins.bad-answer'] as const;
const longestOutageMs = 120_000;

export class Weather {
  readonly #pool: Pool;
  readonly #climate: Climate;
  readonly #dice: Dice;
  /** Gone without our doing. */
  readonly vanished = new Set<ServerId>();
  readonly #ends = new Set<() => void>();
  /** What loses the commits since some step before, of the daemon that ran then. */
  #mark: { readonly system: ActorSystem; readonly lose: () => void } | null = null;
  /** Revisions that were lost, and which their actors have not put back yet. */
  readonly #lost = new Map<NodeId | SnapshotId, number>();

  constructor(pool: Pool, climate: Climate, dice: Dice) {
    this.#pool = pool;
    this.#climate = climate;
    this.#dice = dice;
    for (const cloud of pool.clouds.values()) {
      cloud.isPaged = climate.isPaged;
      cloud.listLagMs = climate.listLagMs;
      if (climate.isPrivate) makePrivate(cloud);
    }
    this.#set({
      cloud: op => this.#cloud(op),
      ci: () => this.#ci(),
      demand: () => this.#demand(),
      store: method => this.#store(method),
      ssh: () => (dice.chance(climate.sshFails) ? dice.pick(['ssh.unreachable', 'ssh.auth']) : null),
      script: () => this.#script(),
    });
  }

  /** What may happen between two steps. */
  change(): void {
    const dice = this.#dice;
    if (dice.chance(this.#climate.outage)) this.#beginOutage(dice.exponential(longestOutageMs / 4));
    if (dice.chance(this.#climate.serverFails)) {
      const cloud = dice.pickAny([...this.#pool.clouds.values()]);
      const server = dice.pickAny(cloud?.servers.filter(({ status }) => status === 'BUILD') ?? []);
      if (cloud && server) cloud.fail(server.id);
    }
    if (dice.chance(this.#climate.serverVanishes)) this.#vanish();
    this.#noteMended();
    if (this.#climate.failover > 0) this.#failOver();
    if (dice.chance(this.#climate.snapshotFails)) {
      const cloud = dice.pickAny([...this.#pool.clouds.values()]);
      const image = dice.pickAny(cloud?.ownImages.filter(({ status }) => status === 'saving') ?? []);
      if (cloud && image) cloud.failSnapshot(image.id);
    }
  }

  /** A process that is killed before it has put back what the database lost takes the knowledge with it. */
  get isMending(): boolean {
    return this.#lost.size > 0;
  }

  #failOver(): void {
    const { isRunning, store, clock } = this.#pool;
    const dice = this.#dice;
    const isKnown = isRunning && this.#mark?.system === this.#pool.system;
    if (this.#mark && isKnown && !this.isMending && !store.database.isAway && dice.chance(this.#climate.failover)) {
      const { nodes, snapshots } = store.database;
      const before = [...nodes.values(), ...snapshots.values()];
      store.away();
      this.#mark.lose();
      for (const { id, revision } of before) this.#lost.set(id, revision);
      this.#mark = null;
      clock.after(dice.exponential(longestOutageMs / 8), () => store.back());
    } else if (!isKnown || dice.chance(0.3)) {
      this.#mark = isRunning ? { system: this.#pool.system, lose: store.database.mark() } : null;
    }
  }

  #noteMended(): void {
    const { store } = this.#pool;
    const { nodes, snapshots } = store.database;
    for (const [id, revision] of this.#lost) {
      const row = [...nodes.values(), ...snapshots.values()].find(each => each.id === id);
      if (store.isDeleted(id) || (row && row.revision >= revision)) this.#lost.delete(id);
    }
  }

  #vanish(): void {
    const cloud = this.#dice.pickAny([...this.#pool.clouds.values()]);
    const server = this.#dice.pickAny(cloud?.servers.filter(({ status }) => status === 'ACTIVE') ?? []);
    if (!cloud || !server) return;
    cloud.vanish(server.id);
    this.vanished.add(server.id);
  }

  /** From now on all is well. */
  clear(): void {
    this.#set({
      cloud: () => null,
      ci: () => null,
      demand: () => null,
      store: () => null,
      ssh: () => null,
      script: () => ({}),
    });
    for (const end of this.#ends) end();
  }

  #set(whims: {
    readonly cloud: (op: CloudOp) => Trouble | null;
    readonly ci: () => CallTrouble | null;
    readonly demand: () => CallTrouble | null;
    readonly store: (method: StoreMethod) => StoreTrouble | null;
    readonly ssh: () => FaultKind | null;
    readonly script: () => JobEnding;
  }): void {
    const { clouds, masters, demand, store } = this.#pool;
    for (const cloud of clouds.values()) cloud.whim = whims.cloud;
    for (const master of masters.values()) master.whim = whims.ci;
    demand.whim = whims.demand;
    store.whim = whims.store;
    this.#pool.sshAnswer = whims.ssh;
    this.#pool.sshJob = whims.script;
  }

  #cloud(op: CloudOp): Trouble | null {
    const { cloudFails, cloudLosesReply, cloudIsSlow, cloudHangs } = this.#climate;
    const dice = this.#dice;
    if (dice.chance(cloudFails)) {
      return new Fault(dice.pick(op === 'createServer' ? createTrouble : cloudTrouble), 'simulated trouble');
    }
    if (dice.chance(cloudLosesReply)) return { loseReply: new Fault(dice.pick(doubtful), 'simulated loss') };
    if (dice.chance(cloudHangs)) return 'hang';
    return dice.chance(cloudIsSlow) ? { delayMs: dice.int(200, this.#slowestCallMs) } : null;
  }

  /** A cloud keeps to it that nothing comes of a call later than a list tells. */
  get #slowestCallMs(): number {
    const { api, serverList } = this.#pool.config.timings;
    return api + serverList - this.#climate.listLagMs - 500;
  }

  #ci(): CallTrouble | null {
    const { ciFails, ciLosesReply, ciIsSlow } = this.#climate;
    const dice = this.#dice;
    if (dice.chance(ciFails)) return new Fault(dice.pick(ciTrouble), 'simulated trouble');
    if (dice.chance(ciLosesReply)) return { loseReply: new Fault(dice.pick(ciTrouble), 'simulated loss') };
    if (!dice.chance(ciIsSlow)) return null;
    return dice.chance(0.5) ? { answerAfterMs: dice.int(200, 30_000) } : { delayMs: dice.int(200, 64_000) };
  }

  #demand(): CallTrouble | null {
    const dice = this.#dice;
    if (!dice.chance(this.#climate.demandFails)) return null;
    return dice.chance(0.5) ? 'hang' : new Fault('gearman.bad-answer', 'simulated trouble');
  }

  #store(method: StoreMethod): StoreTrouble | null {
    const { storeFails, storeLosesReply, storeStalls } = this.#climate;
    const dice = this.#dice;
    if (dice.chance(storeFails)) {
      const kind = method === 'changeNode' && dice.chance(0.3) ? 'store.refused' : 'store.away';
      return new Fault(kind, 'simulated trouble');
    }
    if (dice.chance(storeLosesReply)) return 'lose-reply';
    return dice.chance(storeStalls) ? { stallMs: dice.int(1, 20_000) } : null;
  }

  #script(): JobEnding {
    const dice = this.#dice;
    const tookMs = dice.int(0, 10_000);
    if (!dice.chance(this.#climate.scriptFails)) return { tookMs };
    return dice.chance(0.5) ? { tookMs, exitCode: 1 } : { tookMs, fault: 'ssh.unreachable' };
  }

  #beginOutage(ms: number): void {
    const { clouds, masters, demand, store, events, clock } = this.#pool;
    const cloud = this.#dice.pickAny([...clouds.values()]);
    const master = this.#dice.pickAny([...masters.values()]);
    const [begin, end] = this.#dice.pick([
      [() => cloud?.down(), () => cloud?.down(null)],
      [() => master?.down(), () => master?.down(null)],
      [() => demand.down(gearman), () => demand.down(gearman, null)],
      [() => events.publisher(publisher).disconnect(), () => events.publisher(publisher).reconnect()],
      [() => store.away(), () => store.back()],
    ] as const);
    begin();
    const over = (): void => {
      this.#ends.delete(over);
      end();
    };
    this.#ends.add(over);
    clock.after(ms, over);
  }
}

/** Its servers need floating addresses to be reached. */
function makePrivate(cloud: FakeCloud): void {
  cloud.isPrivate = true;
  cloud.networks.shift();
  cloud.networks.push({ id: networkId('inner'), name: 'inner', isExternal: false });
}
