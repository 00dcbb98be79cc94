/**
 * What a changed configuration will do to a running pool, thing by thing: what is started, stopped, drained, built; and
 * the most servers that each provider comes to by it. Pure: the pool brings what there is.
 */
import { keysThatWantRestart } from './concerned.js';
import type { Label, PoolConfig, Provider } from './pool-config.js';
import type { Round } from './round.js';
import type { Stock } from './stock.js';

export type EffectKind =
  | 'start'
  | 'stop'
  /** Nothing new is launched for it; what is there does its jobs and goes. */
  | 'drain'
  | 'build'
  /** What is there stays in use until the next build is ready. */
  | 'rebuild'
  /** Not before the daemon is started again. */
  | 'restart';

export interface PlannedEffect {
  readonly effect: EffectKind;
  /** `provider rax-ord`, `image rax-ord/precise`, `label precise` … */
  readonly what: string;
  /** For people. */
  readonly detail: string;
}

/** The most servers of one provider: those there are, those of the next round, and template servers of images to build. */
export interface ProviderPeak {
  readonly provider: string;
  readonly servers: number;
  readonly launched: number;
  readonly templates: number;
  readonly peak: number;
  readonly maxServers: number;
}

export interface ConfigStep {
  readonly before: PoolConfig;
  readonly after: PoolConfig;
}

export function effectsOf(step: ConfigStep, started: PoolConfig, stock: Stock): PlannedEffect[] {
  const { before, after } = step;
  return [
    ...providerEffects(step, stock),
    ...labelEffects(step, stock),
    ...imageEffects(step),
    ...cloudImageEffects(step),
    ...connections('target', before.targets.map(nameOf), after.targets.map(nameOf), targetStops),
    ...connections('publisher', before.zmqPublishers, after.zmqPublishers, 'its events are not heard any more'),
    ...connections('gearman', gearmanNames(before), gearmanNames(after), 'it is not asked for demand any more'),
    ...keysThatWantRestart(started, after).map((key): PlannedEffect => ({
      effect: 'restart',
      what: key,
      detail: 'in force after a restart of the daemon',
    })),
  ];
}

const targetStops = 'no node is launched for it, those that it has do their jobs';
const nameOf = ({ name }: { readonly name: string }): string => name;
const gearmanNames = ({ gearmanServers }: PoolConfig): string[] =>
  gearmanServers.map(({ host, port }) => `${host}:${port}`);

function providerEffects({ before, after }: ConfigStep, stock: Stock): PlannedEffect[] {
  const now = new Map(before.providers.map(provider => [provider.name, provider]));
  const gone = before.providers.filter(({ name }) => after.providers.every(each => each.name !== name));
  return [
    ...gone.map(({ name }) => drain(`provider ${name}`, stock.inProvider(name).servers, 'it has left the file')),
    ...after.providers.flatMap(provider => changedProvider(now.get(provider.name) ?? null, provider, stock)),
  ];
}

function changedProvider(before: Provider | null, { name, maxServers }: Provider, stock: Stock): PlannedEffect[] {
  const what = `provider ${name}`;
  const room = Math.max(0, maxServers);
  if (before === null) return [{ effect: 'start', what, detail: `max-servers ${room}` }];
  const { servers } = stock.inProvider(name);
  if (before.maxServers === maxServers || servers <= room) return [];
  return [drain(what, servers - room, `max-servers ${before.maxServers} → ${maxServers}`)];
}

function labelEffects(step: ConfigStep, stock: Stock): PlannedEffect[] {
  const { before, after } = step;
  const wasOn = new Set(before.labels.filter(isEnabled).map(nameOf));
  const isOn = new Set(after.labels.filter(isEnabled).map(nameOf));
  const off = [...wasOn].filter(name => !isOn.has(name));
  const on = after.labels.filter(label => isEnabled(label) && !wasOn.has(label.name));
  return [
    ...off.map(name => drain(`label ${name}`, nodesOf(name, stock), 'it is disabled or has left the file')),
    ...on.map(({ name, minReady }): PlannedEffect => ({
      effect: 'start',
      what: `label ${name}`,
      detail: `min-ready ${minReady}`,
    })),
    ...after.labels
      .filter(({ name }) => wasOn.has(name) && isOn.has(name))
      .flatMap(label => placeEffects(label, step, stock)),
  ];
}

/** A label that stays, and is launched in other providers from now on; what comes or goes with a provider is told there. */
function placeEffects({ name, providers }: Label, { before, after }: ConfigStep, stock: Stock): PlannedEffect[] {
  const earlier = before.labels.find(label => label.name === name)?.providers ?? [];
  const isIn = (config: PoolConfig, provider: string): boolean => config.providers.some(each => each.name === provider);
  const gone = earlier.filter(provider => !providers.includes(provider) && isIn(after, provider));
  const come = providers.filter(provider => !earlier.includes(provider) && isIn(before, provider));
  return [
    ...gone.map(provider => {
      const count = stock.inProvider(provider).byLabel.get(name) ?? 0;
      return drain(`label ${name} in ${provider}`, count, 'it does not name that provider any more');
    }),
    ...come.map((provider): PlannedEffect => ({
      effect: 'start',
      what: `label ${name} in ${provider}`,
      detail: 'it names that provider now',
    })),
  ];
}

function nodesOf(label: string, stock: Stock): number {
  return [...stock.ofLabel(label).values()].reduce((sum, { total }) => sum + total, 0);
}

const isEnabled = ({ minReady }: Label): boolean => minReady >= 0;

function drain(what: string, count: number, why: string): PlannedEffect {
  if (count === 0) return { effect: 'stop', what, detail: `${why}; nothing of it is there` };
  return { effect: 'drain', what, detail: `${why}; ${count} go as their jobs end` };
}

/** What is connected to, or left, without anything that drains. */
function connections(
  kind: string,
  before: readonly string[],
  after: readonly string[],
  stops: string,
): PlannedEffect[] {
  const gone = before.filter(name => !after.includes(name));
  const come = after.filter(name => !before.includes(name));
  return [
    ...gone.map((name): PlannedEffect => ({ effect: 'stop', what: `${kind} ${name}`, detail: stops })),
    ...come.map((name): PlannedEffect => ({ effect: 'start', what: `${kind} ${name}`, detail: 'it is new' })),
  ];
}

// ── Images ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface BuiltImage {
  readonly provider: string;
  readonly image: string;
  /** What it is made of and how, as text to compare. */
  readonly made: string;
  readonly needsTemplate: boolean;
}

/** Those that labels use: others are built for whoever asks alone. */
function builtImages({ providers, labels, diskimages }: PoolConfig): ReadonlyMap<string, BuiltImage> {
  const built = providers.flatMap(({ name: provider, images }) =>
    images
      .filter(({ name }) =>
        labels.some(each => isEnabled(each) && each.image === name && each.providers.includes(provider)),
      )
      .map((config): BuiltImage => ({
        provider,
        image: config.name,
        made: JSON.stringify([config, diskimages.find(({ name }) => name === config.diskimage) ?? null]),
        needsTemplate: config.diskimage === null,
      })),
  );
  return new Map(built.map(each => [`${each.provider}/${each.image}`, each]));
}

function imageEffects({ before, after }: ConfigStep): PlannedEffect[] {
  const earlier = builtImages(before);
  const later = builtImages(after);
  const stopped = [...earlier.keys()].filter(name => !later.has(name));
  return [
    ...stopped.map((name): PlannedEffect => ({
      effect: 'stop',
      what: `image ${name}`,
      detail: 'no label uses it any more: it is not built',
    })),
    ...[...later].flatMap(([name, { made, provider, image }]): PlannedEffect[] => {
      const old = earlier.get(name);
      if (!old)
        return [{ effect: 'build', what: `image ${name}`, detail: 'a label uses it, and it was not built for one' }];
      if (old.made === made) return [];
      const detail = `at its next build; nodepool image-update ${provider} ${image} builds it at once`;
      return [{ effect: 'rebuild', what: `image ${name}`, detail }];
    }),
  ];
}

/** Those that the cloud has are not built: another one is only launched from. */
function cloudImageEffects({ before, after }: ConfigStep): PlannedEffect[] {
  return after.providers.flatMap(({ name: provider, cloudImages }) => {
    const earlier = before.providers.find(({ name }) => name === provider)?.cloudImages ?? [];
    return cloudImages.flatMap((image): PlannedEffect[] => {
      const old = earlier.find(({ name }) => name === image.name);
      if (!old || JSON.stringify(old) === JSON.stringify(image)) return [];
      const detail = 'nodes are launched from it as it is then, those that are there stay';
      return [{ effect: 'start', what: `cloud image ${provider}/${image.name}`, detail }];
    });
  });
}

/** Of images that are built for the first time; as many at once as the provider allows. */
function templatesOf(provider: Provider, { before, after }: ConfigStep): number {
  const earlier = builtImages(before);
  const fresh = [...builtImages(after)].filter(
    ([name, image]) => image.provider === provider.name && image.needsTemplate && !earlier.has(name),
  );
  return Math.min(fresh.length, provider.concurrency.imageBuilds);
}

// ── Servers ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** `round` is what would be decided under the configuration that comes. */
export function peaksOf(step: ConfigStep, round: Pick<Round, 'grants'>, stock: Stock): ProviderPeak[] {
  const { before, after } = step;
  const gone = before.providers.filter(({ name }) => after.providers.every(each => each.name !== name));
  return [
    ...after.providers.map(provider => {
      const { name, maxServers } = provider;
      return peak({ name, maxServers }, stock, {
        launched: serversOf(
          round.grants.filter(grant => grant.provider === name),
          after,
        ),
        templates: templatesOf(provider, step),
      });
    }),
    ...gone.map(({ name }) => peak({ name, maxServers: 0 }, stock, { launched: 0, templates: 0 })),
  ];
}

function peak(
  { name, maxServers }: Pick<Provider, 'name' | 'maxServers'>,
  stock: Stock,
  { launched, templates }: Pick<ProviderPeak, 'launched' | 'templates'>,
): ProviderPeak {
  const { servers } = stock.inProvider(name);
  return { provider: name, servers, launched, templates, peak: servers + launched + templates, maxServers };
}

function serversOf(grants: Round['grants'], { labels }: PoolConfig): number {
  const sizes = new Map(labels.map(({ name, subnodes }) => [name, 1 + subnodes]));
  return grants.reduce((sum, { label, count }) => sum + count * (sizes.get(label) ?? 1), 0);
}
