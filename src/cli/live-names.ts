/** What the next word of a command line may be, as the running daemon knows it: asked by completion at a TAB. */
import { tunableKeys } from '../domain/tuning.js';
import type { ControlClient } from '../http/client.js';
import type { NodeView, TreeView } from '../ports/control.js';

export interface LiveName {
  readonly name: string;
  /** For shells that show it. */
  readonly about: string;
}

type Daemon = Pick<ControlClient, 'nodes' | 'providers' | 'images' | 'jobs' | 'tree' | 'explain'>;
/** `given`: the arguments of the command before this one. */
type Source = (daemon: Daemon, given: readonly string[]) => Promise<readonly LiveName[]>;

/** By command; what its last argument may be is asked for as often as it may be repeated. */
const sources: Readonly<Record<string, readonly Source[]>> = {
  hold: [nodes],
  release: [heldNodes],
  delete: [nodes],
  'image-update': [providers, imagesOfProvider],
  'image-pause': [providers, imagesOfProvider],
  'image-resume': [providers, imagesOfProvider],
  'image-delete': [snapshots],
  'alien-list': [providers],
  'alien-image-list': [providers],
  'job-delete': [jobs],
  tree: [paths],
  inspect: [paths],
  restart: [paths],
  explain: [words('label', 'provider', 'node'), explained],
  tune: [providers, words(...tunableKeys.map(key => `${key}=`))],
  wait: [words('node', 'image'), waitedFor, imageWaitedFor],
  plan: [],
};

export const liveCommands: readonly string[] = Object.keys(sources);

/** Options whose value is a label and a number. */
export const labelOptions: ReadonlySet<string> = new Set(['--demand', '--ready']);

/** Options of these commands that have a value, which is none of their arguments. */
export const valuedOptions: ReadonlySet<string> = new Set([
  ...labelOptions,
  ...['-c', '--config', '-s', '--secure', '--socket', '-o', '--output'],
  ...['--reason', '--for', '--since', '--timeout', '--file'],
]);

/** `words`: those before the one that is wanted, without the program's name. */
export async function liveNames(words: readonly string[], daemon: Daemon): Promise<readonly LiveName[]> {
  const last = words.at(-1) ?? '';
  if (labelOptions.has(last)) return (await labels(daemon)).map(each => ({ ...each, name: `${each.name}=` }));
  if (valuedOptions.has(last)) return [];
  const [command = '', ...given] = words.filter((word, at) => {
    return !word.startsWith('-') && !valuedOptions.has(words[at - 1] ?? '');
  });
  const source = sources[command]?.[given.length] ?? (command === 'tune' ? sources[command]?.at(-1) : undefined);
  return source === undefined ? [] : source(daemon, given);
}

function words(...names: readonly string[]): Source {
  return () => Promise.resolve(names.map(name => ({ name, about: '' })));
}

async function nodes(daemon: Daemon): Promise<readonly LiveName[]> {
  return (await daemon.nodes()).map(nodeName);
}

async function heldNodes(daemon: Daemon): Promise<readonly LiveName[]> {
  return (await daemon.nodes()).filter(({ state }) => state === 'hold').map(nodeName);
}

function nodeName({ id, state, label, provider, reason }: NodeView): LiveName {
  const why = state === 'hold' && reason !== null ? `: ${reason}` : '';
  return { name: String(id), about: `${state}, ${label} in ${provider}${why}` };
}

async function providers(daemon: Daemon): Promise<readonly LiveName[]> {
  return (await daemon.providers()).map(({ name, servers, maxServers, closedBecause }) => ({
    name,
    about: closedBecause ?? `${servers} of ${maxServers} servers`,
  }));
}

async function labels(daemon: Daemon): Promise<readonly LiveName[]> {
  return ((await daemon.explain({}))?.labels ?? []).map(({ label, verdict }) => ({ name: label, about: verdict }));
}

async function imagesOfProvider(daemon: Daemon, [provider = '']: readonly string[]): Promise<readonly LiveName[]> {
  const path = `/providers/${provider}/images`;
  const images = (await daemon.tree(path))?.children ?? [];
  return images.map(image => ({ name: image.path.slice(path.length + 1), about: image.state }));
}

async function snapshots(daemon: Daemon): Promise<readonly LiveName[]> {
  return (await daemon.images()).map(({ id, image, provider, state, standing }) => ({
    name: String(id),
    about: `${standing ?? state}, ${image} in ${provider}`,
  }));
}

async function jobs(daemon: Daemon): Promise<readonly LiveName[]> {
  return (await daemon.jobs()).map(({ id, name }) => ({ name: String(id), about: name }));
}

async function paths(daemon: Daemon): Promise<readonly LiveName[]> {
  const root = await daemon.tree('/');
  return root === null ? [] : pathsOf(root);
}

function pathsOf({ path, state, children }: TreeView): LiveName[] {
  return [{ name: path, about: state }, ...children.flatMap(pathsOf)];
}

async function explained(daemon: Daemon, [subject]: readonly string[]): Promise<readonly LiveName[]> {
  if (subject === 'label') return labels(daemon);
  if (subject === 'provider') return providers(daemon);
  return subject === 'node' ? nodes(daemon) : [];
}

async function waitedFor(daemon: Daemon, [what]: readonly string[]): Promise<readonly LiveName[]> {
  if (what === 'node') return nodes(daemon);
  return what === 'image' ? providers(daemon) : [];
}

async function imageWaitedFor(daemon: Daemon, [what, provider = '']: readonly string[]): Promise<readonly LiveName[]> {
  return what === 'image' ? imagesOfProvider(daemon, [provider]) : [];
}
