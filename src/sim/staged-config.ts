import type { PoolConfig } from '../domain/pool-config.js';
import type { Composition } from '../main.js';

/** A configuration that is in no file: reading it again brings the same. */
export function unwatchedConfig(config: PoolConfig): Pick<Composition, 'config' | 'readConfig' | 'configStamp'> {
  const reading = { kind: 'usable' as const, config, problems: [], source: { text: '', sections: [] } };
  return { config, readConfig: () => Promise.resolve(reading), configStamp: null };
}
