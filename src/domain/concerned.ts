import type { ConfigChange } from './config-diff.js';
import type { PoolConfig } from './pool-config.js';

/**
 * Whom a new configuration concerns. They are only told that there is one, and look up what it says: so one that is
 * told twice does nothing twice, and nobody acts on a configuration that is out of date.
 */
export interface Concerned {
  /** Providers and targets that are new, gone, or changed in any key. */
  readonly providers: readonly string[];
  readonly targets: readonly string[];
  readonly publishers: boolean;
  readonly diskimages: boolean;
  readonly gearmanServers: boolean;
  /** What an allocation round depends on. */
  readonly pool: boolean;
  readonly schedules: boolean;
  readonly control: boolean;
}

export function concernedBy(changes: readonly ConfigChange[], before: PoolConfig, after: PoolConfig): Concerned {
  const named = (kind: ConfigChange['kind']): string[] =>
    changes.filter(change => change.kind === kind).map(change => change.name);
  const setting = (name: string): readonly string[] | null =>
    changes.find(change => change.kind === 'setting' && change.name === name)?.keys ?? null;
  return {
    providers: [
      ...new Set([
        ...named('provider'),
        ...suppliersOf(named('label'), [before, after]),
        ...usersOf(named('diskimage'), after),
      ]),
    ],
    targets: named('target'),
    publishers: named('publisher').length > 0,
    diskimages: named('diskimage').length > 0,
    gearmanServers: named('gearman').length > 0,
    pool: changes.some(({ kind }) => ofRounds.has(kind)) || setting('timings') !== null,
    schedules: setting('cron') !== null,
    control: (setting('control') ?? []).some(key => key !== 'socket'),
  };
}

/** Keys that were used once, when the daemon started, and say something else now. */
export function keysThatWantRestart(started: PoolConfig, now: PoolConfig): string[] {
  return [
    ...(started.dburi === now.dburi ? [] : ['dburi']),
    ...(started.stateDir === now.stateDir ? [] : ['state-dir']),
    ...(started.control.socket === now.control.socket ? [] : ['control.socket']),
  ];
}

const ofRounds: ReadonlySet<ConfigChange['kind']> = new Set(['provider', 'label', 'target', 'publisher', 'gearman']);

/** Images are kept for the labels that name them, so that a label concerns all of its providers. */
function suppliersOf(labels: readonly string[], configs: readonly PoolConfig[]): string[] {
  return configs.flatMap(config =>
    config.labels.filter(({ name }) => labels.includes(name)).flatMap(({ providers }) => providers),
  );
}

function usersOf(diskimages: readonly string[], { providers }: PoolConfig): string[] {
  return providers
    .filter(({ images }) => images.some(({ diskimage }) => diskimage !== null && diskimages.includes(diskimage)))
    .map(({ name }) => name);
}
