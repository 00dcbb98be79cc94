/**
 * A pool that is busy and in trouble for a long time: calls that fail, events that are lost, images that are built, a
 * daemon that is killed again and again, a database that ends and comes back. Then it is left in peace, and must come to rest with nothing lost and nothing left behind.
 */
import { Chance } from '../../src/sim/chance.js';
import type { StatusFault } from '../../src/sim/gearman/status-server.js';
import type { HttpFault } from '../../src/sim/http/faults.js';
import { DatabaseObserver } from '../support/database-observer.js';
import { E2ePool } from '../support/e2e-pool.js';
import { imageName, type Surroundings } from '../support/e2e-world.js';
import { startMariadb } from '../support/mariadb.js';
import { startPostgres } from '../support/postgres.js';
import { Builds, builtImage, buildingKeys, scriptsOf, writeScripts } from './builds.js';
import { EventTrouble } from './events.js';
import { comeToRest, restOf } from './rest.js';
import { sample, type Sample } from './measure.js';
import type { Lives, Rest, SoakReport, Tally } from './report.js';
import type { Engine, SoakWish } from './wish.js';

const tickMs = 250;
const sampleMs = 1_000;

/** A call hangs until its deadline; a machine that does much else is late without any fault. */
const timings = {
  api: 10,
  'delete-delay': 1,
  'test-cleanup': 10,
  // Only those that are used and the ones before them are kept.
  'image-cleanup': 5,
  pass: 1,
  'server-list': 1,
  poll: 0.5,
  'check-ssh': 30,
};

const httpFaults: readonly HttpFault[] = [
  { kind: 'answer', status: 500 },
  { kind: 'html', status: 503 },
  { kind: 'reset' },
  { kind: 'lose-reply' },
  { kind: 'half-answer' },
  { kind: 'hang' },
  { kind: 'hang', takesEffect: true },
  { kind: 'slow', delayMs: 3_000 },
];
const statusFaults: readonly StatusFault[] = [
  { kind: 'silent' },
  { kind: 'half-answer' },
  { kind: 'reset' },
  { kind: 'error' },
];

export async function soak(wish: SoakWish): Promise<SoakReport> {
  const database = await startDatabase(wish.engine);
  try {
    const pool = await openPool(wish, database.dburi);
    const observer = new DatabaseObserver(wish.engine, database.dburi);
    try {
      return await new Soak(wish, pool, database, observer).run();
    } finally {
      await observer.close();
      await pool.close();
    }
  } finally {
    await database.stop();
  }
}

interface Database {
  readonly dburi: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

function startDatabase(engine: Engine): Promise<Database> {
  return engine === 'mariadb' ? startMariadb() : startPostgres();
}

/** Single nodes and pairs, and some of an image that is built; the last cloud has floating addresses only. */
async function openPool(wish: SoakWish, dburi: string): Promise<E2ePool> {
  const { nodes, connections } = wish;
  const names = Array.from({ length: wish.providers }, (_, index) => `cloud${index + 1}`);
  const last = names.at(-1);
  const label = (name: string, part: number, more = {}): object => ({
    name,
    image: imageName,
    'min-ready': Math.max(1, Math.floor(nodes * part)),
    providers: names.map(provider => ({ name: provider })),
    ...more,
  });
  const builders = buildersOf(names);
  const cloud: Surroundings['clouds'][string] = {
    bootMs: [200, 2_000],
    sshDelayMs: [50, 500],
    deleteMs: [100, 1_000],
    snapshotMs: [500, 3_000],
    bootFailureRate: wish.failRate,
    snapshotFailureRate: wish.failRate,
  };
  const floating = { ...cloud, addressing: 'floating', networks: [{ id: 'inside-id', name: 'inside' }] } as const;
  const pool = await E2ePool.open({
    dburi,
    clouds: Object.fromEntries(names.map(name => [name, name === last ? floating : cloud])),
    masters: Array.from({ length: wish.masters }, (_, index) => `jenkins${index + 1}`),
    // Who may log in first on a machine that comes from the cloud's own image.
    usernames: ['jenkins', 'root'],
    labels: {},
    providers: world =>
      Object.fromEntries(
        names.map(name => [
          name,
          { 'max-servers': shareOf(wish), ...(builders.includes(name) ? buildingKeys(world) : {}) },
        ]),
      ),
    timings,
    more: ({ dir }) => ({
      database: { 'max-connections': connections },
      'script-dir': scriptsOf(dir),
      cron: { cleanup: '* * * * * */10' },
      labels: [
        label('small', 0.1),
        label('large', 0.05),
        label('pair', 0.02, { subnodes: 1 }),
        label('built', 0.02, { image: builtImage, providers: builders.map(name => ({ name })) }),
      ],
    }),
  });
  await writeScripts(pool.dir);
  return pool;
}

/** The first and the last. */
function buildersOf(names: readonly string[]): readonly string[] {
  return [...new Set([names.at(0), names.at(-1)])].filter(name => name !== undefined);
}

function shareOf({ nodes, providers }: SoakWish): number {
  return Math.ceil(nodes / providers);
}

class Soak {
  readonly #wish: SoakWish;
  readonly #pool: E2ePool;
  readonly #database: Database;
  readonly #observer: DatabaseObserver;
  readonly #chance: Chance;
  readonly #events: EventTrouble;
  readonly #builds: Builds;
  readonly #samples: Sample[] = [];
  readonly #startsMs: number[] = [];
  readonly #deaths: string[] = [];
  readonly #failures = new Set<string>();
  /** Of each job whose machine went, what the log says of its node. */
  readonly #lost: string[] = [];
  /** Of the life before this one. */
  #earlierLog = '';
  readonly #beganMs = performance.now();
  #kills = 0;
  #restarts = 0;
  #life = 0;
  #bornMs = 0;
  #nextSampleMs = 0;

  constructor(wish: SoakWish, pool: E2ePool, database: Database, observer: DatabaseObserver) {
    this.#wish = wish;
    this.#pool = pool;
    this.#database = database;
    this.#observer = observer;
    this.#chance = new Chance(wish.seed);
    const { clouds, masters, jobs } = pool.world;
    jobs.onFinished(({ wasKilled, nodeName }) => {
      if (wasKilled) this.#lost.push(this.#storyOf(nodeName));
    });
    this.#events = new EventTrouble(masters.values(), this.#chance, wish.silenceEverySeconds);
    this.#builds = new Builds(pool, buildersOf([...clouds.keys()]), this.#chance, wish.buildEverySeconds);
  }

  async run(): Promise<SoakReport> {
    const { seconds, say } = this.#wish;
    this.#trouble(this.#wish.failRate);
    this.#events.begin(this.#wish.failRate);
    this.#builds.begin(this.#wish.failRate);
    await this.#start();
    say('busy');
    while (this.#seconds < seconds) await this.#tick();
    this.#trouble(0);
    this.#events.end();
    this.#builds.end();
    say('no more trouble, no more jobs');
    const rest = await this.#rest();
    this.#readLog();
    return { wish: this.#wish, lives: this.#lives, rest, tally: this.#tally, samples: this.#samples };
  }

  get #seconds(): number {
    return (performance.now() - this.#beganMs) / 1000;
  }

  async #tick(): Promise<void> {
    this.#feed();
    this.#events.tick(this.#seconds);
    await this.#ifDead();
    await this.#builds.tick(this.#seconds);
    if (this.#isDatabaseDue) await this.#restartDatabase();
    if (this.#isKillDue) await this.#kill();
    await this.#sampleIfDue();
    await new Promise(resolve => setTimeout(resolve, tickMs));
  }

  // ── Work and trouble ───────────────────────────────────────────────────────────────────────────────────────────

  /** There is always more to do than there are machines for it. */
  #feed(): void {
    const { jobs, gearman } = this.#pool.world;
    const { nodes, jobSeconds, failRate } = this.#wish;
    const labels = ['small', 'small', 'large', 'pair', 'built'] as const;
    while (jobs.queued() < nodes / 4) {
      const label = labels[Math.floor(this.#chance.next() * labels.length)] ?? 'small';
      const durationMs = this.#chance.between([500 * jobSeconds, 1500 * jobSeconds]);
      jobs.submit({ job: 'demo-job', label, durationMs });
    }
    if (this.#chance.happens(failRate)) {
      const fault = statusFaults[Math.floor(this.#chance.next() * statusFaults.length)];
      if (fault) gearman?.simulated?.failNext(fault);
    }
  }

  #trouble(rate: number): void {
    const { clouds, masters } = this.#pool.world;
    for (const { faults } of [...clouds.values(), ...masters.values()]) faults.rate('*', rate, ...httpFaults);
  }

  get #isKillDue(): boolean {
    const { seconds, killEverySeconds } = this.#wish;
    const due = killEverySeconds * (this.#kills + 1);
    return killEverySeconds > 0 && due <= 0.75 * seconds && this.#seconds >= due;
  }

  async #kill(): Promise<void> {
    this.#readLog();
    await this.#builds.noteKill();
    await this.#pool.kill();
    this.#kills++;
    this.#wish.say(`killed (${this.#kills})`);
    await this.#start();
  }

  async #start(): Promise<void> {
    const beganMs = performance.now();
    await this.#pool.start();
    this.#bornMs = performance.now();
    this.#life++;
    this.#startsMs.push(this.#bornMs - beganMs);
  }

  get #isDatabaseDue(): boolean {
    const { seconds, databaseRestarts } = this.#wish;
    const due = (seconds * (this.#restarts + 1)) / (databaseRestarts + 1);
    return this.#restarts < databaseRestarts && this.#seconds >= due;
  }

  async #restartDatabase(): Promise<void> {
    this.#restarts++;
    await this.#database.kill();
    this.#wish.say(`the database is away (${this.#restarts})`);
    // So that the daemon meets its absence.
    await this.#pool.until(async () => !(await this.#pool.client.readiness()).ready);
    await this.#database.start();
    this.#wish.say('the database is back');
  }

  /** A daemon that ends by itself is told at the end; the next one goes on. */
  async #ifDead(): Promise<void> {
    const { daemon } = this.#pool;
    if (!daemon.isOver()) return;
    this.#readLog();
    this.#deaths.push(daemon.stderr().slice(-2_000));
    this.#wish.say('the daemon has ended by itself');
    await this.#pool.kill();
    await this.#start();
  }

  // ── What is seen ───────────────────────────────────────────────────────────────────────────────────────────────

  async #sampleIfDue(): Promise<void> {
    const now = performance.now();
    if (now < this.#nextSampleMs) return;
    this.#nextSampleMs = now + sampleMs;
    const { client, daemon, world } = this.#pool;
    const { pid } = daemon;
    const life = { life: this.#life, ageMs: now - this.#bornMs };
    this.#samples.push(await sample({ ...life, pid, client, observer: this.#observer }));
    if (this.#samples.length % 15 !== 0) return;
    const { servers, slaves, finishedJobs } = world.judge();
    const { residentMb = 0, connections } = this.#samples.at(-1) ?? {};
    const counts = `${servers.length} servers, ${slaves.length} slaves, ${world.jobs.running()} jobs, ${finishedJobs} done`;
    this.#wish.say(`${counts}; ${residentMb.toFixed(0)} MB, ${connections ?? 'unknown'} connections`);
  }

  #storyOf(nodeName: string): string {
    const id = nodeName.split('-').at(-1) ?? '';
    const lines = `${this.#earlierLog}\n${this.#pool.daemon.stderr()}`.split('\n');
    const own = lines.filter(line => line.includes(`"node":${id},`) || line.includes(nodeName));
    return [`the machine of ${nodeName} went ${this.#seconds.toFixed(1)} s after the start`, ...own].join('\n  ');
  }

  #readLog(): void {
    this.#earlierLog = this.#pool.daemon.stderr();
    for (const line of this.#pool.daemon.stderr().split('\n')) {
      if (/"level":"error"/.test(line)) this.#failures.add(line.slice(0, 1_000));
    }
  }

  async #rest(): Promise<Rest> {
    const beganMs = performance.now();
    const look = async (): Promise<void> => {
      await this.#ifDead();
      await this.#sampleIfDue();
    };
    await this.#builds.look();
    const unrest = await comeToRest(this.#pool, this.#wish.restSeconds * 1000, look);
    const afterSeconds = unrest === null ? (performance.now() - beganMs) / 1000 : null;
    return { afterSeconds, unrest: unrest ?? '', ...(await restOf(this.#pool)) };
  }

  get #lives(): Lives {
    return {
      kills: this.#kills,
      databaseRestarts: this.#restarts,
      startsMs: this.#startsMs,
      deaths: this.#deaths,
      failures: [...this.#failures],
    };
  }

  get #tally(): Tally {
    const { world } = this.#pool;
    const clouds = [...world.clouds.values()];
    const callsOf = ({ calls }: { readonly calls: Readonly<Record<string, number>> }): number =>
      Object.values(calls).reduce((sum, count) => sum + count, 0);
    const { finishedJobs, secondJobs } = world.judge();
    return {
      finishedJobs,
      secondJobs,
      lostJobs: this.#lost,
      created: clouds.reduce((sum, cloud) => sum + cloud.counts().created, 0),
      events: this.#events.losses,
      builds: this.#builds.seen,
      calls: [...clouds, ...world.masters.values()].reduce((sum, each) => sum + callsOf(each.counts()), 0),
      peaks: clouds.map(cloud => {
        const { peakServers } = cloud.counts();
        return { provider: cloud.name, servers: peakServers, max: shareOf(this.#wish) };
      }),
    };
  }
}
