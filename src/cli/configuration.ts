/** The configuration as the commands use it: read when needed, refused with every problem at its line. */
import type { loadConfig } from '../config/load.js';
import type { PoolConfig } from '../domain/pool-config.js';
import type { CliContext } from './context.js';
import { InvalidConfiguration } from './failure.js';
import type { GlobalOptions } from './options.js';

export type ConfigReader = typeof loadConfig;
export type ConfigLoading = ReturnType<ConfigReader>;

export function tryConfig(
  context: Pick<CliContext, 'env' | 'loadConfig'>,
  options: Pick<GlobalOptions, 'config' | 'secure'>,
  needsDatabase: boolean,
): ConfigLoading {
  return context.loadConfig({ file: options.config, secureFile: options.secure, env: context.env, needsDatabase });
}

/** Throws `InvalidConfiguration` where the file cannot be used. */
export function readConfig(context: CliContext, options: GlobalOptions, needsDatabase: boolean): PoolConfig {
  const loaded = tryConfig(context, options, needsDatabase);
  if (loaded.kind === 'refused') throw new InvalidConfiguration(loaded.problems);
  return loaded.config;
}
