/** What the commands ask the clouds themselves while no daemon runs, one after the other, beside the rows of the database. */
import { alienImages, alienServers, type AlienRows } from '../domain/aliens.js';
import { Fault } from '../domain/fault.js';
import type { Provider } from '../domain/pool-config.js';
import type { AlienImageView, AlienServerView, AliensView } from '../ports/control.js';
import type { CloudPort } from '../ports/cloud.js';
import { readConfig } from './configuration.js';
import type { CliContext } from './context.js';
import type { GlobalOptions } from './options.js';

const callMs = 60_000;

export function readAlienServers(
  context: CliContext,
  options: GlobalOptions,
  name: string | null,
): Promise<AliensView<AlienServerView> | null> {
  return collect(context, options, name, async (provider, cloud, rows) => {
    return alienServers(provider, await cloud.listServers(call(context)), await rows());
  });
}

export function readAlienImages(
  context: CliContext,
  options: GlobalOptions,
  name: string | null,
): Promise<AliensView<AlienImageView> | null> {
  return collect(context, options, name, async (provider, cloud, rows) => {
    return alienImages(provider.name, await cloud.listImages(call(context)), await rows());
  });
}

const call = ({ signal }: CliContext) => ({ deadlineMs: callMs, signal });

/** Null: the configuration has no such provider. */
async function collect<View>(
  context: CliContext,
  options: GlobalOptions,
  name: string | null,
  look: (provider: Provider, cloud: CloudPort, rows: () => Promise<AlienRows>) => Promise<readonly View[]>,
): Promise<AliensView<View> | null> {
  const config = readConfig(context, options, true);
  const providers = config.providers.filter(provider => name === null || provider.name === name);
  if (name !== null && providers.length === 0) return null;
  const store = await context.openStore(config);
  const aliens: View[] = [];
  const troubles: { provider: string; reason: string; next: string }[] = [];
  try {
    await store.attach();
    const rows = async (): Promise<AlienRows> => ({
      nodes: await store.shared.nodes(),
      snapshots: await store.shared.snapshots(),
    });
    for (const provider of providers) {
      const cloud = await context.openCloud(provider);
      try {
        aliens.push(...(await look(provider, cloud, rows)));
      } catch (error) {
        if (!(error instanceof Fault) || !error.kind.startsWith('cloud.')) throw error;
        troubles.push({ provider: provider.name, reason: error.message, next: error.next });
      } finally {
        await cloud.close();
      }
    }
  } finally {
    await store.close();
  }
  return { aliens, troubles };
}
