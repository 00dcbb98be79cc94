import type { LogFields } from '../../ports/log.js';

/** What the original called the part of it that says such things, so that its logging files go on working. */
export function loggerOf({ logger, actor, node, target, provider }: LogFields): string {
  if (logger !== undefined) return logger;
  if (actor !== undefined) return loggerOfActor(actor);
  if (node !== undefined) return 'nodepool.NodeLauncher';
  if (target !== undefined) return 'nodepool.JenkinsManager';
  return provider !== undefined ? 'nodepool.ProviderManager' : 'nodepool.NodePool';
}

function loggerOfActor(path: string): string {
  const [first = '', , part] = path.replace(/^\//, '').split('/');
  if (first === 'providers') return ofProviders[part ?? ''] ?? 'nodepool.ProviderManager';
  return ofTree[first] ?? 'nodepool.NodePool';
}

const ofTree: Readonly<Record<string, string>> = {
  targets: 'nodepool.JenkinsManager',
  demand: 'nodepool.GearmanClient',
  events: 'nodepool.NodeUpdateListener',
};

const ofProviders: Readonly<Record<string, string>> = {
  nodes: 'nodepool.NodeLauncher',
  images: 'nodepool.ImageUpdater',
};
