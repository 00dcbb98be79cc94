/**
 * The whole supervision tree: what is started, in which order, and what happens when something cannot be kept alive.
 * Stopped in reverse order. One-for-one everywhere: a restart keeps address and mailbox, so nobody else need restart.
 */
import { Ledger } from '../domain/ledger.js';
import type { ControlServer } from '../ports/control.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Supervision } from '../runtime/actor.js';
import {
  cloudAddress,
  demandsAddress,
  diskimagesAddress,
  publishersAddress,
  targetAddress,
  targetsAddress,
} from './addresses.js';
import { configActor } from './config.js';
import { controlActor, type SystemView } from './control.js';
import { demandActor, serverName } from './demand.js';
import { diskimageActor } from './diskimage.js';
import { endpointName, eventsActor } from './events.js';
import { gaugesActor } from './gauges.js';
import { historyActor, nothingRemembered } from './history.js';
import { janitorActor } from './janitor.js';
import { jobsActor } from './jobs.js';
import { ledgerActor } from './ledger.js';
import { nothingKnown, poolActor } from './pool.js';
import { providersActor } from './providers.js';
import type { Settings } from './settings.js';
import { nothingHeard, statsActor } from './stats.js';
import { nothingLent, storeActor } from './store.js';
import { followingSupervisor, supervisor } from './supervisors.js';
import { targetActor } from './target.js';

export interface TreeArgs {
  readonly outside: Outside;
  readonly settings: Settings;
  readonly system: SystemView;
  readonly onServing: (server: ControlServer) => void;
}

/** Without these nothing works: the daemon gives up rather than run without one of them. */
const vital: Partial<Supervision> = { restart: 'permanent', exhausted: 'escalate' };

export const guardian: Actor<never, object, TreeArgs> = supervisor('guardian', (ctx, args) => {
  // First and last: whatever stops later still has to write.
  ctx.spawn(storeActor, 'store', { ...args, lending: nothingLent() }, vital);
  ctx.spawn(statsActor, 'stats', { outside: args.outside, ...nothingHeard() });
  ctx.spawn(historyActor, 'history', nothingRemembered());
  ctx.spawn(gaugesActor, 'gauges', { ...args, nodes: new Map() });
  ctx.spawn(ledgerActor, 'ledger', { ...args, ledger: new Ledger() });
  ctx.spawn(configActor, 'config', args, vital);
  ctx.spawn(targetsActor, 'targets', args);
  // Images ask for their files.
  ctx.spawn(diskimagesActor, 'diskimages', args);
  ctx.spawn(providersActor, 'providers', { ...args, nodesSeen: new Map() });
  ctx.spawn(demandsActor, 'demand', args);
  ctx.spawn(poolActor, 'pool', { ...args, known: nothingKnown() }, vital);
  ctx.spawn(jobsActor, 'jobs', args);
  // Only now is there somebody to tell of a job.
  ctx.spawn(publishersActor, 'events', args);
  ctx.spawn(janitorActor, 'janitor', args);
  ctx.spawn(controlActor, 'control', { ...args, served: { last: Promise.resolve(null) } }, vital);
});

/** To be told before the tree is stopped: a stop takes as long as what is in flight, and not as what waits for its turn. */
export function closeClouds({ config }: Pick<Settings, 'config'>, system: Pick<SystemView, 'tell'>): void {
  for (const { name } of config.providers) system.tell(cloudAddress(name), { type: 'closing' });
}

const targetsActor = followingSupervisor<TreeArgs>({
  kind: 'targets',
  address: () => targetsAddress,
  names: ({ settings }) => settings.config.targets.map(({ name }) => name),
  start: (name, as, ctx, { outside, settings }) => ctx.spawn(targetActor, as, { name, outside, settings }),
  tell: (name, ctx) => ctx.tell(targetAddress(name), { type: 'reconfigured' }),
  // Slaves are to be taken out of a master that is not to have new ones.
  outlivesConfiguration: true,
});

const diskimagesActor = followingSupervisor<TreeArgs>({
  kind: 'diskimages',
  address: () => diskimagesAddress,
  names: ({ settings }) => settings.config.diskimages.map(({ name }) => name),
  start: (name, as, ctx, { outside, settings }) => ctx.spawn(diskimageActor, as, { name, outside, settings }),
});

const demandsActor = followingSupervisor<TreeArgs>({
  kind: 'demand',
  address: () => demandsAddress,
  names: ({ settings }) => settings.config.gearmanServers.map(serverName),
  start(name, as, ctx, { outside, settings }) {
    const server = settings.config.gearmanServers.find(each => serverName(each) === name);
    if (!server) throw new Error(`there is no Gearman server ${name}`);
    return ctx.spawn(demandActor, as, { server, outside, settings });
  },
});

const publishersActor = followingSupervisor<TreeArgs>({
  kind: 'events',
  address: () => publishersAddress,
  names: ({ settings }) => settings.config.zmqPublishers,
  nameInTree: endpointName,
  start: (endpoint, as, ctx, { outside }) =>
    ctx.spawn(eventsActor, as, { endpoint, outside, opened: { subscription: null } }),
});
