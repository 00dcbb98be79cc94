/** Everything that the actors reach the outside world by. `main.ts` makes the real one, tests make another. */
import type { FileText } from '../domain/cut-short.js';
import type { GroupKey } from '../domain/node-files.js';
import type { GroupKeyType, PoolConfig } from '../domain/pool-config.js';
import type { BuildsPort } from './builds.js';
import type { OpenCi } from './ci.js';
import type { OpenCloud } from './cloud.js';
import type { ServeControl } from './control.js';
import type { DemandSource } from './demand.js';
import type { EventSource } from './events.js';
import type { Log } from './log.js';
import type { OpenShell } from './shell.js';
import type { StatsPort } from './stats.js';
import type { LockHolder, StorePort } from './store.js';

export interface Outside {
  readonly store: StorePort;
  /** Who we are, for the one-daemon lock. */
  readonly holder: LockHolder;
  readonly openCloud: OpenCloud;
  readonly openShell: OpenShell;
  readonly openCi: OpenCi;
  readonly builds: BuildsPort;
  /** A new key pair for a group of nodes, made beside the main thread. */
  readonly newGroupKey: (type: GroupKeyType) => Promise<GroupKey>;
  readonly events: EventSource;
  readonly demand: DemandSource;
  readonly stats: StatsPort;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly serve: ServeControl;
  /** Reads the configuration again; another file where one is named, to see what it would change. */
  readonly readConfig: (file?: string) => Promise<ConfigReading>;
  /** Is another text whenever one of its files is another: written, replaced, gone. Null: there is no file to look at. */
  readonly configStamp: (() => Promise<string>) | null;
  /** A configuration has come into force: for the adapters that keep something of it. */
  readonly reconfigured: (config: PoolConfig) => void;
  /** When a cron expression next comes due after the time, epoch milliseconds; null: never. */
  readonly nextRun: (cron: string, after: number) => number | null;
  readonly log: Log;
  /** Nothing can go on: another daemon has the database. Ends the program. */
  readonly giveUp: (reason: string) => void;
}

export type ConfigReading =
  | {
      readonly kind: 'usable';
      readonly config: PoolConfig;
      readonly problems: readonly string[];
      readonly source: FileText;
    }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };
