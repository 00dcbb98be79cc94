import { Chance } from './chance.js';
import type { ScriptOutcome, ScriptRun } from './commands.js';
import { ExternalGearman } from './gearman/external.js';
import { StatusServer } from './gearman/status-server.js';
import { SimMaster, type SimSlaveView } from './jenkins/master.js';
import type { MasterOptions } from './jenkins/settings.js';
import { Jobs, type JobRoute } from './jobs.js';
import { LocalDispatch } from './local-dispatch.js';
import { Machines } from './machines.js';
import { SimCloud, type SimServerView } from './openstack/cloud.js';
import type { CloudOptions } from './openstack/settings.js';
import { startSshd } from './sshd.js';
import { Timers } from './timers.js';

export interface WorldOptions {
  readonly clouds: readonly CloudOptions[];
  readonly masters: readonly MasterOptions[];
  /** Jobs that the masters know. */
  readonly jobs?: readonly string[];
  /** Inside the world, a real server of yours, or nothing that answers `status`. */
  readonly gearman?: 'simulated' | { readonly host: string; readonly port: number } | 'none';
  /** Whether a node goes offline after each job, as production has it; without, it takes a second one at once. */
  readonly offlineWhenComplete?: boolean;
  /** Users that the machines let in. */
  readonly usernames?: readonly string[];
  readonly seed?: number;
}

/** Simulated clouds, masters, Gearman and machines: real servers on loopback that speak the real protocols. */
export interface World {
  readonly clouds: ReadonlyMap<string, SimCloud>;
  readonly masters: ReadonlyMap<string, SimMaster>;
  readonly gearman: WorldGearman | null;
  readonly ssh: WorldSsh;
  /** To play the guests of a cloud that is not of this world. */
  readonly machines: Machines;
  readonly jobs: Jobs;
  /** May be changed while the world runs. */
  readonly settings: { offlineWhenComplete: boolean };
  judge(): Verdict;
  /** Ends everything and removes the key file. */
  close(): Promise<void>;
}

export interface WorldGearman {
  readonly host: string;
  readonly port: number;
  /** The server inside the world, where its faults are scripted; null where the server is yours. */
  readonly simulated: StatusServer | null;
}

export interface WorldSsh {
  readonly port: number;
  readonly username: string;
  readonly privateKeyFile: string;
  /** `TYPE BASE64`, the same on all machines. */
  readonly hostKey: string;
  /** Every script that was run on a machine, in order. */
  readonly scripts: readonly ScriptRun[];
  /** What scripts do; by default they succeed. May be changed while the world runs. */
  onScript: (run: ScriptRun) => ScriptOutcome;
}

/** What is in the world now, and what should never have happened. */
export interface Verdict {
  /** Machines that started more than one job of the queue, ever. */
  readonly secondJobs: number;
  /** Jobs whose machine or slave was deleted while they ran. */
  readonly killedJobs: number;
  readonly finishedJobs: number;
  readonly servers: readonly SimServerView[];
  readonly slaves: readonly SimSlaveView[];
}

const usualUsernames = ['jenkins'] as const;

export async function startWorld(options: WorldOptions): Promise<World> {
  const chance = new Chance(options.seed ?? 1);
  const timers = new Timers();
  const settings = { offlineWhenComplete: options.offlineWhenComplete ?? true };
  const usernames = options.usernames?.length ? options.usernames : usualUsernames;
  const jobNames = options.jobs ?? ['demo-job'];
  const sshd = await startSshd({ usernames, sleep: ms => new Promise(resolve => void timers.after(ms, resolve)) });
  const machines = await Machines.start({ timers, greet: (socket, machine) => sshd.greet(socket, machine) });

  const masters = new Map<string, SimMaster>();
  const master = (name: string): SimMaster => {
    const found = masters.get(name);
    if (!found) throw new Error(`no master ${name}`);
    return found;
  };
  const jobs = new Jobs({
    startBuild: (computer, order) => master(computer.master).start(computer, order),
    offlineWhenComplete: () => settings.offlineWhenComplete,
  });
  const { route, gearman } = await openGearman(options, {
    timers,
    jobs,
    jobNames,
    computers: () => [...masters.values()].flatMap(each => each.computers()),
    isQuietingDown: name => master(name).isQuietingDown,
  });
  jobs.setRoute(route);

  const clouds = new Map<string, SimCloud>();
  for (const cloud of options.clouds) {
    clouds.set(cloud.name, await SimCloud.start(cloud, { chance, timers, machines }));
  }
  for (const each of options.masters) {
    const parts = { chance, timers, machines, hostKey: sshd.hostKey, jobs: jobNames };
    const computerChanged = route.computerChanged.bind(route);
    masters.set(each.name, await SimMaster.start(each, { ...parts, computerChanged }));
  }

  return {
    clouds,
    masters,
    gearman,
    ssh: {
      port: machines.sshPort,
      username: usernames[0] ?? usualUsernames[0],
      privateKeyFile: sshd.privateKeyFile,
      hostKey: sshd.hostKey,
      scripts: sshd.scripts,
      get onScript() {
        return sshd.onScript;
      },
      set onScript(play) {
        sshd.onScript = play;
      },
    },
    machines,
    jobs,
    settings,
    judge: () => ({
      secondJobs: jobs.secondJobs,
      killedJobs: jobs.killedJobs,
      finishedJobs: jobs.finished(),
      servers: [...clouds.values()].flatMap(cloud => cloud.servers()),
      slaves: [...masters.values()].flatMap(each => each.slaves()),
    }),
    close: async () => {
      timers.close();
      await Promise.all([...masters.values(), ...clouds.values()].map(each => each.close()));
      await Promise.all([route.close(), gearman?.simulated?.down()]);
      await machines.close();
      await sshd.close();
    },
  };
}

type DispatchParts = ConstructorParameters<typeof LocalDispatch>[0] & { readonly timers: Timers };

async function openGearman(
  options: WorldOptions,
  parts: DispatchParts,
): Promise<{ route: JobRoute; gearman: WorldGearman | null }> {
  const wanted = options.gearman ?? 'simulated';
  if (typeof wanted === 'object') {
    const route = new ExternalGearman({ ...parts, server: wanted });
    return { route, gearman: { ...wanted, simulated: null } };
  }
  const route = new LocalDispatch(parts);
  if (wanted === 'none') return { route, gearman: null };
  const server = new StatusServer(() => route.counts());
  await server.up();
  return { route, gearman: { host: server.host, port: server.port, simulated: server } };
}
