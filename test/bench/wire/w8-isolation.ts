/**
 * W8: what a cloud that hangs and one that burns CPU cost the other ten. The same launches with and without the trouble,
 * in turns, each time with a daemon of its own. `--pairs N --nodes N --engine E`. The daemon times each launch from its
 * create call until it is ready, and each call from its begin until the main thread has the answer.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { imageName } from '../../support/e2e-world.js';
import { percentile, report } from '../pool/figures.js';
import { openWirePool, wireTimings, type Engine, type WirePool } from './pool.js';
import { startTrouble, type Trouble } from './trouble.js';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '100' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const nodes = Number(values.nodes);
const well = Array.from({ length: 10 }, (_none, index) => `well${index + 1}`);
const cloud = { bootMs: [2_000, 4_000], sshDelayMs: [200, 600], callMs: [50, 200], deleteMs: [500, 1_500] } as const;
/** Several waves. */
const launchesAtOnce = 5;
/** Wanted of each cloud in trouble; all of those that `burn` makes wait for SSH. */
const inTrouble = { hang: 20, burn: 100 } as const;

interface Run {
  /** On the average, of each provider that is well. */
  readonly launchesMs: readonly number[];
  readonly callsMs: readonly number[];
  readonly lateMs: number;
  readonly mainCores: number;
  readonly workerCores: number;
  /** Of the time, the main thread would have run and had no core. */
  readonly coreless: number;
  readonly hanging: number;
  readonly tls: number;
}

/** What the daemon has measured so far. */
class Times {
  readonly #text: string;

  static async of(wire: WirePool): Promise<Times> {
    return new Times(await wire.pool.client.metrics());
  }

  private constructor(text: string) {
    this.#text = text;
  }

  meanMs(key: string, before: Times): number {
    const grown = (part: string): number => {
      const name = `nodepool_duration_seconds_${part}{key="${key}"}`;
      return this.#value(name) - before.#value(name);
    };
    return (1_000 * grown('sum')) / grown('count');
  }

  get lateMs(): number {
    return 1_000 * this.#value('nodejs_eventloop_lag_p99_seconds');
  }

  #value(name: string): number {
    const line = this.#text.split('\n').find(each => each.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? 0);
  }
}

const [without, withTrouble]: [Run[], Run[]] = [[], []];
for (let pair = 1; pair <= Number(values.pairs); pair++) {
  without.push(await run(pair, false));
  withTrouble.push(await run(pair, true));
}
const launchMs = (runs: readonly Run[]): number => median(runs, each => percentile(each.launchesMs, 50));
for (const [trouble, runs] of [
  ['all well', without],
  ['two in trouble', withTrouble],
] as const) {
  report(
    'W8',
    { nodes, trouble, engine: String(values.engine) },
    {
      'launch seconds': launchMs(runs) / 1_000,
      '… of the slowest provider': median(runs, each => Math.max(...each.launchesMs)) / 1_000,
      'percent longer': runs === without ? null : 100 * (launchMs(withTrouble) / launchMs(without) - 1),
      'list of servers ms': median(runs, each => percentile(each.callsMs, 50)),
      'main thread late, p99 ms': median(runs, each => each.lateMs),
      'main thread, cores': median(runs, each => each.mainCores),
      'main thread waits for a core, percent': median(runs, each => 100 * each.coreless),
      'workers, cores': median(runs, each => each.workerCores),
      'calls that hung': median(runs, each => each.hanging),
      'TLS handshakes': median(runs, each => each.tls),
    },
  );
}

function median(runs: readonly Run[], of: (run: Run) => number | null): number {
  return percentile(
    runs.map(each => of(each) ?? NaN),
    50,
  ) as number;
}

async function run(seed: number, isTroubled: boolean): Promise<Run> {
  const trouble = await startTrouble();
  const label = (name: string, providers: readonly string[]): object => ({
    name,
    image: imageName,
    'min-ready': 0,
    providers: providers.map(provider => ({ name: provider })),
  });
  const own = { 'max-servers': nodes / well.length, concurrency: { launches: launchesAtOnce } };
  const wire = await openWirePool({
    engine: values.engine as Engine,
    seed,
    clouds: Object.fromEntries(well.map(name => [name, cloud])),
    labels: {},
    providers: Object.fromEntries(well.map(name => [name, own])),
    elsewhere: trouble.providers,
    timings: { ...wireTimings, 'server-list': 1, poll: 0.2 },
    more: () => ({ labels: [label('well', well), ...Object.keys(inTrouble).map(name => label(name, [name]))] }),
  });
  try {
    if (isTroubled) {
      await wire.keep(inTrouble);
      // All of its machines are being tried.
      await wire.untilRows(inTrouble.burn, `node where provider_name = 'burn' and step = 'ssh'`);
    }
    return await launchAll(wire, trouble);
  } finally {
    await wire.close();
    await trouble.stop();
  }
}

async function launchAll(wire: WirePool, trouble: Trouble): Promise<Run> {
  const before = await Times.of(wire);
  const cost = await wire.meter();
  const waitedMs = waitedForCore(wire.pool.daemon.pid);
  await wire.keep({ well: nodes });
  await wire.untilRows(nodes, `node where state = ${stateCodes.ready}`);
  const { seconds, mainMs, otherMs } = await cost();
  const after = await Times.of(wire);
  return {
    launchesMs: well.map(name => after.meanMs(`nodepool.launch.provider.${name}.ready`, before)),
    callsMs: well.map(name => after.meanMs(`nodepool.task.${name}.listServers`, before)),
    lateMs: after.lateMs,
    mainCores: mainMs / seconds / 1_000,
    workerCores: otherMs / seconds / 1_000,
    coreless: (waitedForCore(wire.pool.daemon.pid) - waitedMs) / seconds / 1_000,
    ...(await trouble.calls()),
  };
}

/** Milliseconds that the main thread of a process was ready to run and did not. */
function waitedForCore(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}
