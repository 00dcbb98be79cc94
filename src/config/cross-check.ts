import type { Disabled } from '../domain/pool-config.js';
import { cloudOf } from './accounts.js';
import type { Finding } from './check-keys.js';
import type { DraftItem } from './draft.js';
import type { Env } from './environment.js';
import { nearest } from './formats.js';

/** A reference that leads nowhere, and what cannot be used for it. */
export interface BrokenReference extends Finding {
  readonly disables: Pick<Disabled, 'kind' | 'name'>;
}

export interface CrossChecked {
  /** Each refuses the file. */
  readonly refusals: readonly Finding[];
  /** Each disables one thing alone. */
  readonly broken: readonly BrokenReference[];
  readonly warnings: readonly Finding[];
}

/** What can be said of two keys together, wherever they stand. */
export function crossCheck(file: DraftItem, env: Env): CrossChecked {
  return {
    refusals: [...duplicates(file), ...incomplete(file, env)],
    broken: [...brokenLabels(file), ...brokenImages(file)],
    warnings: [...riskyNames(file), ...idle(file), ...withoutEffect(file)],
  };
}

function duplicates(file: DraftItem): Finding[] {
  const providers = file.items('providers');
  const byName = (item: DraftItem) => item.name;
  return [
    ...['labels', 'providers', 'targets', 'diskimages'].flatMap(list => twice(file.items(list), byName, 'name')),
    ...providers.flatMap(of => twice([...of.items('images'), ...of.items('cloud-images')], byName, 'name')),
    ...file.items('targets').flatMap(of => twice(of.items('images'), byName, 'name')),
    ...twiceInBothLayouts(file),
    ...labelItems(file).flatMap(label => twice(label.items('providers'), byName, 'name')),
    ...twice(file.items('gearman-servers'), hostAndPort, 'host'),
    ...twice(file.items('zmq-publishers'), item => item.self, null),
  ];
}

/** Where the original silently took the last one. The second is reported, as that is the one to go. */
function twice(
  items: readonly DraftItem[],
  identity: (item: DraftItem) => string | null,
  key: string | null,
): Finding[] {
  const seen = new Set<string>();
  return items.flatMap((item): Finding[] => {
    const id = identity(item);
    if (id === null || !seen.has(id)) {
      if (id !== null) seen.add(id);
      return [];
    }
    const path = key === null ? item.path : [...item.path, key];
    return [{ path, at: 'value', message: `${id} a second time in this list`, suggestion: null }];
  });
}

/** Labels; before there were any, in 2013, images of targets were what labels are. */
function labelItems(file: DraftItem): DraftItem[] {
  const images = file.items('targets').flatMap(target => target.items('images'));
  return [...file.items('labels'), ...images.map(asLabel)];
}

function asLabel(image: DraftItem): DraftItem {
  return { ...image, text: key => (key === 'image' ? image.name : image.text(key)) };
}

function twiceInBothLayouts(file: DraftItem): Finding[] {
  const names = file.items('labels').map(label => label.name);
  return file.items('targets').flatMap(target =>
    target.items('images').flatMap((image): Finding[] => {
      if (image.name === null || !names.includes(image.name)) return [];
      const message = `${image.name} is in labels as well: one of them is to go`;
      return [{ path: [...image.path, 'name'], at: 'value', message, suggestion: null }];
    }),
  );
}

const hostAndPort = (server: DraftItem): string | null => {
  const host = server.text('host');
  return host === null ? null : `${host}:${server.number('port') ?? 4730}`;
};

/** Keys that are required only without another. */
function incomplete(file: DraftItem, env: Env): Finding[] {
  const findings: Finding[] = [];
  const missing = (item: DraftItem, key: string, without: string) =>
    findings.push({
      path: [...item.path, key],
      at: 'parent',
      message: `missing key ${key}${without}`,
      suggestion: null,
    });

  for (const provider of file.items('providers')) {
    if (cloudOf(provider, env) === null) {
      for (const key of ['username', 'auth-url']) {
        if (!provider.has(key)) missing(provider, key, ' (or cloud)');
      }
      if (!provider.has('project-id') && !provider.has('project-name')) {
        missing(provider, 'project-id', ' (or project-name, or cloud)');
      }
    }
    if (!provider.has('images') && !provider.has('cloud-images')) missing(provider, 'images', ' (or cloud-images)');
    for (const image of provider.items('images')) {
      if (!image.has('base-image') && !image.has('diskimage')) missing(image, 'base-image', ' (or diskimage)');
      if (!image.has('min-ram') && !image.has('flavor-name')) missing(image, 'min-ram', ' (or flavor-name)');
    }
    for (const image of provider.items('cloud-images')) {
      if (image.has('image-id') && image.has('image-name')) {
        const message = 'image-id and image-name are both given; one of them is to go';
        findings.push({ path: [...image.path, 'image-name'], at: 'key', message, suggestion: null });
      }
    }
    for (const network of provider.items('networks')) {
      if (!['net-id', 'name', 'net-label', 'port-id'].some(key => network.has(key))) {
        missing(network, 'net-id', ' (or name, or port-id)');
      }
    }
  }
  for (const server of file.items('gearman-servers')) {
    if (server.has('ssl-cert') && !server.has('ssl-key')) missing(server, 'ssl-key', ' (it belongs to ssl-cert)');
    if (server.has('ssl-key') && !server.has('ssl-cert')) missing(server, 'ssl-cert', ' (it belongs to ssl-key)');
  }
  for (const label of labelItems(file)) {
    if (!label.has('providers') && !isOff(label)) missing(label, 'providers', ' (or a negative min-ready)');
  }
  return findings;
}

/** A disabled label launches nothing, so that nothing needs to be there for it. */
const isOff = (label: DraftItem): boolean => (label.number('min-ready') ?? 0) < 0;

function brokenLabels(file: DraftItem): BrokenReference[] {
  const providers = new Map(file.items('providers').map(provider => [provider.name, provider]));
  const names = [...providers.keys()].filter(name => name !== null);
  return labelItems(file).flatMap((label): BrokenReference[] => {
    const name = label.name;
    if (name === null) return [];
    const disables = { kind: 'label', name } as const;
    const listed = label.items('providers').filter(item => item.name !== null);
    const unknown = listed.filter(item => !providers.has(item.name));
    if (unknown.length > 0) {
      return unknown.map(item => ({
        path: [...item.path, 'name'],
        at: 'value',
        message: `label ${name}: there is no provider ${item.name}`,
        suggestion: nearest(item.name ?? '', names),
        disables,
      }));
    }
    if (isOff(label)) return [];
    const broken = missingImages(label, name, listed, providers);
    const isUnsupplied = listed.length > 0 && broken.length === listed.length;
    return isUnsupplied ? unsupplied(label, name, listed, providers) : [...broken, ...tooLarge(label, name, providers)];
  });
}

type Providers = ReadonlyMap<string | null, DraftItem>;

/** The label keeps its other providers: one of eight clouds without an image is no reason to stop a label in seven. */
function missingImages(label: DraftItem, name: string, listed: DraftItem[], providers: Providers): BrokenReference[] {
  const image = label.text('image');
  if (image === null) return [];
  return listed.flatMap((item): BrokenReference[] => {
    const offered = imagesOf(providers.get(item.name));
    if (offered.includes(image)) return [];
    const message = `label ${name}: provider ${item.name} has no image ${image}`;
    const disables = { kind: 'pairing', name: `${name}/${item.name}` } as const;
    return [{ path: [...item.path, 'name'], at: 'value', message, suggestion: null, disables }];
  });
}

function unsupplied(label: DraftItem, name: string, listed: DraftItem[], providers: Providers): BrokenReference[] {
  const image = label.text('image') ?? '';
  const offered = listed.flatMap(item => imagesOf(providers.get(item.name)));
  const message = `label ${name}: none of its providers has an image ${image}`;
  const disables = { kind: 'label', name } as const;
  const path = [...label.path, label.has('image') ? 'image' : 'name'];
  return [{ path, at: 'value', message, suggestion: nearest(image, offered), disables }];
}

const imagesOf = (provider: DraftItem | undefined): string[] =>
  [...(provider?.items('images') ?? []), ...(provider?.items('cloud-images') ?? [])].flatMap(image => image.name ?? []);

/** Providers that are being drained say nothing about what fits. */
function tooLarge(label: DraftItem, name: string, providers: Providers): BrokenReference[] {
  const group = 1 + (label.number('subnodes') ?? 0);
  const limits = label.items('providers').flatMap(item => providers.get(item.name)?.number('max-servers') ?? []);
  const most = Math.max(...limits, 0);
  if (most === 0 || group <= most) return [];
  const message = `label ${name}: a node with its subnodes is ${group} servers, and no provider may have more than ${most}`;
  return [
    { path: [...label.path, 'subnodes'], at: 'value', message, suggestion: null, disables: { kind: 'label', name } },
  ];
}

function brokenImages(file: DraftItem): BrokenReference[] {
  const names = file.items('diskimages').flatMap(item => item.name ?? []);
  return file.items('providers').flatMap(provider =>
    provider.items('images').flatMap((image): BrokenReference[] => {
      const diskimage = image.text('diskimage');
      if (diskimage === null || names.includes(diskimage)) return [];
      const message = `provider ${provider.name ?? '?'}: there is no disk image ${diskimage}`;
      const disables = { kind: 'image', name: `${provider.name ?? '?'}/${image.name ?? '?'}` } as const;
      return [
        { path: [...image.path, 'diskimage'], at: 'value', message, suggestion: nearest(diskimage, names), disables },
      ];
    }),
  );
}

/** A dot opens a level in a statsd key, and the other characters end one; a colon in a label also confuses Gearman. */
function riskyNames(file: DraftItem): Finding[] {
  const named = [
    ...['labels', 'providers', 'targets'].flatMap(list => file.items(list)),
    ...file.items('providers').flatMap(provider => [...provider.items('images'), ...provider.items('cloud-images')]),
  ];
  return named.flatMap((item): Finding[] => {
    const found = /[.:|@#/\s]/.exec(item.name ?? '')?.[0];
    if (found === undefined) return [];
    const message = `the name ${JSON.stringify(item.name)} has ${JSON.stringify(found)} in it, which breaks statsd keys`;
    return [{ path: [...item.path, 'name'], at: 'value', message, suggestion: null }];
  });
}

function idle(file: DraftItem): Finding[] {
  return labelItems(file).flatMap((label): Finding[] => {
    if (isOff(label) || !label.has('providers') || label.items('providers').length > 0) return [];
    const message = `label ${label.name ?? '?'} has no provider: nothing is launched for it`;
    return [{ path: [...label.path, 'providers'], at: 'key', message, suggestion: null }];
  });
}

/** Keys of other generations that are taken without being heeded. */
function withoutEffect(file: DraftItem): Finding[] {
  const warn = (path: Finding['path'], message: string): Finding => ({ path, at: 'key', message, suggestion: null });
  const zookeeper = 'zookeeper-servers has no effect: all state is in the database';
  const assigned = 'assign-via-gearman has no effect: nodes of this target become ready, and nobody is told';
  const fake = 'fake: there are no fakes in memory; nodepool rehearse runs this file on a simulated world';
  return [
    ...file
      .items('providers')
      .filter(provider => provider.text('auth-url') === 'fake')
      .map(provider => warn([...provider.path, 'auth-url'], `auth-url: ${fake}`)),
    ...file
      .items('targets')
      .flatMap(target => target.section('jenkins') ?? [])
      .filter(master => master.text('apikey') === 'fake')
      .map(master => warn([...master.path, 'apikey'], `apikey: ${fake}`)),
    ...(file.has('zookeeper-servers') ? [warn(['zookeeper-servers'], zookeeper)] : []),
    ...file
      .items('targets')
      .filter(target => target.isTrue('assign-via-gearman'))
      .map(target => warn([...target.path, 'assign-via-gearman'], assigned)),
  ];
}
