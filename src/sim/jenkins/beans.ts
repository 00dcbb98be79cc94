import type { Build } from './builds.js';
import type { Computer } from './computer.js';
import { Bean, type Exported } from './exported.js';
import type { Profile } from './settings.js';

interface Context {
  readonly profile: Profile;
  readonly rootUrl: string;
}

/** What `api/json` of the master itself exports. */
export function rootBean(
  context: Context & { readonly isQuietingDown: boolean; readonly jobs: readonly string[] },
): Bean {
  const isNew = context.profile === 'new';
  return new Bean('hudson.model.Hudson', {
    assignedLabels: () => [new Bean('hudson.model.labels.LabelAtom', { name: () => (isNew ? 'built-in' : 'master') })],
    mode: () => 'NORMAL',
    nodeDescription: () => (isNew ? "the Jenkins controller's built-in node" : 'the master Jenkins node'),
    nodeName: () => '',
    numExecutors: () => 0,
    description: () => null,
    jobs: () => context.jobs.map(job => jobBean(job, context)),
    ...(isNew ? { quietDownReason: () => null } : {}),
    quietingDown: () => context.isQuietingDown,
    slaveAgentPort: () => -1,
    ...(isNew ? { url: () => context.rootUrl } : {}),
    useCrumbs: () => isNew,
    useSecurity: () => true,
  });
}

function jobBean(job: string, context: Context): Bean {
  return new Bean('hudson.model.FreeStyleProject', {
    name: () => job,
    url: () => `${context.rootUrl}job/${job}/`,
    color: () => 'blue',
  });
}

/** What `computer/api/json` exports. The master itself comes first, in both generations. */
export function computerSetBean(computers: readonly Computer[], context: Context): Bean {
  const online = computers.filter(computer => computer.isOnline);
  return new Bean('hudson.model.ComputerSet', {
    busyExecutors: () => online.reduce((sum, computer) => sum + computer.builds.size, 0),
    computer: () => [masterBean(context), ...computers.map(computer => computerBean(computer, context))],
    displayName: () => (context.profile === 'new' ? 'Nodes' : 'nodes'),
    totalExecutors: () => online.reduce((sum, computer) => sum + (computer.node?.executors ?? 0), 0),
  });
}

function masterBean(context: Context): Bean {
  const name = context.profile === 'new' ? 'Built-In Node' : 'master';
  return new Bean('hudson.model.Hudson$MasterComputer', {
    ...plainFields({ name, executors: 0, isOffline: false }),
    executors: () => [],
    idle: () => true,
    offlineCause: () => null,
    offlineCauseReason: () => '',
    oneOffExecutors: () => [],
    temporarilyOffline: () => false,
    ...(context.profile === 'new' ? { assignedLabels: () => labelBeans(['built-in']) } : {}),
  });
}

/** What `computer/NAME/api/json` exports. */
export function computerBean(computer: Computer, context: Context): Bean {
  const reason = computer.offlineReason ?? computer.disconnectReason;
  return new Bean('hudson.slaves.SlaveComputer', {
    ...plainFields({
      name: computer.name,
      executors: computer.node?.executors ?? 1,
      isOffline: !computer.isOnline,
    }),
    executors: () => executorBeans(computer, context),
    idle: () => computer.isIdle,
    offlineCause: () => (reason === null ? null : new Bean('hudson.slaves.OfflineCause$UserCause', {})),
    offlineCauseReason: () => reason ?? '',
    oneOffExecutors: () => [],
    temporarilyOffline: () => computer.offlineReason !== null,
    ...(context.profile === 'new'
      ? {
          // A node carries its own name as a label.
          assignedLabels: () => labelBeans([...computer.labels, computer.name]),
          description: () => computer.node?.description ?? '',
          absoluteRemotePath: () => (computer.isConnected ? (computer.node?.remoteFs ?? null) : null),
        }
      : {}),
  });
}

function plainFields(facts: { name: string; executors: number; isOffline: boolean }): Record<string, () => Exported> {
  return {
    actions: () => [],
    displayName: () => facts.name,
    icon: () => (facts.isOffline ? 'computer-x.png' : 'computer.png'),
    jnlpAgent: () => false,
    launchSupported: () => true,
    loadStatistics: () => new Bean('hudson.model.Label$1', {}),
    manualLaunchAllowed: () => true,
    monitorData: () => monitorData,
    numExecutors: () => facts.executors,
    offline: () => facts.isOffline,
  };
}

/** Values stay null until the hourly monitors have run. */
const monitorData = {
  'hudson.node_monitors.SwapSpaceMonitor': null,
  'hudson.node_monitors.TemporarySpaceMonitor': null,
  'hudson.node_monitors.DiskSpaceMonitor': null,
  'hudson.node_monitors.ArchitectureMonitor': null,
  'hudson.node_monitors.ResponseTimeMonitor': null,
  'hudson.node_monitors.ClockMonitor': null,
};

function labelBeans(labels: readonly string[]): Bean[] {
  return labels.map(label => new Bean('hudson.model.labels.LabelAtom', { name: () => label }));
}

function executorBeans(computer: Computer, context: Context): Bean[] {
  const builds = [...computer.builds];
  const count = Math.max(computer.node?.executors ?? 0, builds.length);
  return Array.from({ length: count }, (_, number) => {
    const build = builds[number];
    return new Bean('hudson.model.Executor', {
      currentExecutable: () => (build ? buildBean(build, context) : null),
      idle: () => build === undefined,
      likelyStuck: () => false,
      number: () => number,
      progress: () => (build ? 50 : -1),
    });
  });
}

function buildBean(build: Build, context: Context): Bean {
  return new Bean('hudson.model.FreeStyleBuild', {
    number: () => build.number,
    url: () => `${context.rootUrl}job/${build.job}/${build.number}/`,
  });
}
