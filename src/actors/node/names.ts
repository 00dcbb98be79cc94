/** What the names on a row mean. */
import { Fault } from '../../domain/fault.js';
import type { SubnodeId } from '../../domain/ids.js';
import type { NodeRow } from '../../domain/node-row.js';
import type { Label, Provider, Target } from '../../domain/pool-config.js';
import { hostnameTemplate, renderTemplate } from '../../domain/template.js';
import type { ShellLogin } from '../../ports/shell.js';
import type { Names, ProviderImage, Settings } from '../settings.js';

/**
 * What the row's names mean, in the configuration or when they were last there: a launch that is under way finishes
 * with that. A name of which nothing is known fails the step, and with it the launch.
 */
export function need(
  row: NodeRow,
  { lastKnown }: Settings,
): { label: Label; provider: Provider; target: Target; image: ProviderImage } {
  const label = lastKnown.label(row.label);
  const provider = lastKnown.provider(row.provider);
  const target = lastKnown.target(row.target);
  const image = label && lastKnown.image(row.provider, label.image);
  if (label && provider && target && image) return { label, provider, target, image };
  throw removed(row, lastKnown);
}

/** The name of a machine that is about to be made (reference 2.8). */
export function newHostname(
  row: NodeRow,
  settings: Settings,
  now: number,
  { of, subnode }: { readonly of: 'hostname' | 'subnodeHostname'; readonly subnode?: SubnodeId },
): string {
  demandConfigured(row, settings);
  const { label, provider, target } = need(row, settings);
  return renderTemplate(hostnameTemplate(of, { target, label }), {
    label,
    provider,
    node_id: row.id,
    ...(subnode === undefined ? {} : { subnode_id: subnode }),
    timestamp: String(Math.floor(now / 1000)),
  });
}

/** Nothing new is made for what has gone from the configuration. */
function demandConfigured(row: NodeRow, settings: Settings): void {
  const label = settings.label(row.label);
  const isThere = label && settings.target(row.target) && settings.image(row.provider, label.image);
  if (!isThere) throw removed(row, settings);
}

function removed(row: NodeRow, names: Names): Fault {
  const label = names.label(row.label);
  const missing = !names.provider(row.provider)
    ? `provider ${row.provider}`
    : !names.target(row.target)
      ? `target ${row.target}`
      : !label
        ? `label ${row.label}`
        : `image ${label.image} of ${row.provider}`;
  return new Fault('config.removed', `${missing} is not in the configuration`);
}

/** How its image says that a machine is logged in to. */
export function loginOf({ ip, hostKey }: Pick<NodeRow, 'ip' | 'hostKey'>, image: ProviderImage): ShellLogin {
  const { sshPort: port, username, privateKeyFile } = image;
  return { host: ip ?? '', port, username, privateKeyFile, hostKey };
}
