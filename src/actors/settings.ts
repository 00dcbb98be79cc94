import type {
  CloudImageConfig,
  Label,
  PoolConfig,
  Provider,
  SnapshotImageConfig,
  Target,
  Timings,
} from '../domain/pool-config.js';

/** An image of a provider, whichever way it comes to be. */
export type ProviderImage =
  ({ readonly source: 'cloud' } & CloudImageConfig) | ({ readonly source: 'snapshot' } & SnapshotImageConfig);

/** What names mean. Null: nothing has this name. */
export interface Names {
  provider(name: string): Provider | null;
  target(name: string): Target | null;
  label(name: string): Label | null;
  image(provider: string, image: string): ProviderImage | null;
}

/**
 * The configuration in force, looked up by name at each use. Only the config actor replaces it; an unknown name is a
 * normal answer, because rows outlive the configuration they were made under (lesson 138).
 */
export class Settings implements Names {
  /**
   * The same, and what has gone from the configuration as it was when it was last there. What is under way finishes
   * with that: a launch that has its server, and every delete.
   */
  readonly lastKnown: Names;
  /** What the daemon was started with. */
  readonly started: PoolConfig;
  #config: PoolConfig;
  readonly #gone = {
    providers: new Map<string, Provider>(),
    targets: new Map<string, Target>(),
    labels: new Map<string, Label>(),
    images: new Map<string, ProviderImage>(),
  };

  constructor(config: PoolConfig) {
    this.#config = config;
    this.started = config;
    this.lastKnown = {
      provider: name => this.provider(name) ?? this.#gone.providers.get(name) ?? null,
      target: name => this.target(name) ?? this.#gone.targets.get(name) ?? null,
      label: name => this.label(name) ?? this.#gone.labels.get(name) ?? null,
      image: (provider, image) => this.image(provider, image) ?? this.#gone.images.get(`${provider}/${image}`) ?? null,
    };
  }

  get config(): PoolConfig {
    return this.#config;
  }

  get timings(): Timings {
    return this.#config.timings;
  }

  replace(config: PoolConfig): void {
    const { providers, targets, labels } = this.#config;
    for (const provider of providers) {
      this.#gone.providers.set(provider.name, provider);
      for (const image of imagesOf(provider)) this.#gone.images.set(`${provider.name}/${image.name}`, image);
    }
    for (const target of targets) this.#gone.targets.set(target.name, target);
    for (const label of labels) this.#gone.labels.set(label.name, label);
    this.#config = config;
  }

  provider(name: string): Provider | null {
    return this.#config.providers.find(provider => provider.name === name) ?? null;
  }

  target(name: string): Target | null {
    return this.#config.targets.find(target => target.name === name) ?? null;
  }

  label(name: string): Label | null {
    return this.#config.labels.find(label => label.name === name) ?? null;
  }

  image(provider: string, image: string): ProviderImage | null {
    return imagesOf(this.provider(provider)).find(each => each.name === image) ?? null;
  }
}

export function imagesOf(provider: Provider | null): ProviderImage[] {
  if (!provider) return [];
  return [
    ...provider.cloudImages.map(image => ({ source: 'cloud' as const, ...image })),
    ...provider.images.map(image => ({ source: 'snapshot' as const, ...image })),
  ];
}
