import type { PoolConfig, Provider } from './pool-config.js';
import { whereListed } from './where-listed.js';

/** What `nodepool tune` may change of a provider until the next reload, by the keys of the configuration. */
export const tunableKeys = ['max-servers', 'rate', 'calls', 'launches', 'deletes', 'image-builds', 'workers'] as const;
export type TunableKey = (typeof tunableKeys)[number];

export type Tuned =
  | { readonly kind: 'tuned'; readonly config: PoolConfig }
  | { readonly kind: 'not-found' | 'refused'; readonly message: string; readonly next: string };

/** The limits are those of the file. */
const limits: Readonly<Record<TunableKey, { readonly min: number; readonly max: number; readonly isWhole: boolean }>> =
  {
    'max-servers': { min: -1_000_000, max: 1_000_000, isWhole: true },
    rate: { min: 0, max: 86_400, isWhole: false },
    calls: { min: 1, max: 1_000, isWhole: true },
    launches: { min: 1, max: 100_000, isWhole: true },
    deletes: { min: 1, max: 100_000, isWhole: true },
    'image-builds': { min: 1, max: 1_000, isWhole: true },
    workers: { min: 1, max: 64, isWhole: true },
  };

/** `concurrency.launches` says the same as `launches`. */
export function tune(config: PoolConfig, wish: { provider: string; key: string; value: number }): Tuned {
  const provider = config.providers.find(({ name }) => name === wish.provider);
  if (!provider)
    return {
      kind: 'not-found',
      message: `there is no provider ${wish.provider} in the configuration`,
      next: whereListed.provider,
    };
  const key = tunableKeys.find(each => each === wish.key.replace(/^concurrency\./, ''));
  if (!key) {
    return { kind: 'refused', message: `${wish.key} cannot be tuned`, next: `these can: ${tunableKeys.join(', ')}` };
  }
  const { min, max, isWhole } = limits[key];
  const { value } = wish;
  if (!Number.isFinite(value) || value < min || value > max || (isWhole && !Number.isInteger(value))) {
    return {
      kind: 'refused',
      message: `${key} cannot be ${value}`,
      next: `it is a ${isWhole ? 'whole ' : ''}number of ${min} to ${max}`,
    };
  }
  const changed = { ...provider, ...patches[key](provider, value) };
  return {
    kind: 'tuned',
    config: { ...config, providers: config.providers.map(each => (each === provider ? changed : each)) },
  };
}

const concurrency = (key: keyof Provider['concurrency']) => (provider: Provider, value: number) => ({
  concurrency: { ...provider.concurrency, [key]: value },
});

const patches: Readonly<Record<TunableKey, (provider: Provider, value: number) => Partial<Provider>>> = {
  'max-servers': (_provider, maxServers) => ({ maxServers }),
  rate: (_provider, seconds) => ({ rateMs: seconds * 1000 }),
  calls: concurrency('calls'),
  launches: concurrency('launches'),
  deletes: concurrency('deletes'),
  'image-builds': concurrency('imageBuilds'),
  workers: concurrency('workers'),
};
