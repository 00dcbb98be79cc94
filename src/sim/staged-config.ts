import type { PoolConfig } from '../domain/pool-config.js';
import type { Composition } from '../main.js';

/** A configuration that is in no file: reading it again brings the same, and no file is compared with it. */
export function unwatchedConfig(config: PoolConfig): Pick<Composition, 'config' | 'readConfig' | 'configStamp'> {
  const reading = { kind: 'usable' as const, config, problems: [], source: { text: '', sections: [] } };
  const refusal = {
    kind: 'refused' as const,
    problems: ['a pool that is simulated takes no other file; a nodepoold with a file of its own compares it'],
  };
  return {
    config,
    readConfig: other => Promise.resolve(other === undefined ? reading : refusal),
    configStamp: null,
  };
}
