/** One image that is waited for: until nodes can boot from it and no newer one is being made. */
import { ofCloud } from '../../domain/image.js';
import type { ControlClient } from '../../http/client.js';
import type { ImageName } from '../../domain/snapshot-row.js';
import { whereListed } from '../../domain/where-listed.js';
import type { ImageStatusView, ImageView } from '../../ports/control.js';
import { exitCodes } from '../exit-codes.js';
import { CliFailure } from '../failure.js';
import { buildText } from '../image-progress.js';
import { plainText } from '../plain-text.js';
import type { Seen } from '../wait.js';

/** What to call again and again. A build that ends badly from now on ends the waiting; those before do not count. */
export async function lookAtImage(
  daemon: Pick<ControlClient, 'imageStatus'>,
  name: ImageName,
): Promise<() => Promise<Seen<ImageView>>> {
  const lastBefore = (await statusOf(daemon, name)).lastBuild?.id ?? null;
  return async () => {
    const status = await statusOf(daemon, name);
    const { building, current, lastBuild, plan } = status;
    if (plan === ofCloud) {
      throw new CliFailure(exitCodes.refused, plainText(`${name.image} of ${name.provider}: ${ofCloud}`), {
        next: 'nodepool doctor says whether the cloud has it',
      });
    }
    if (lastBuild !== null && lastBuild.id !== lastBefore && !lastBuild.isReady) throw buildFailed(lastBuild);
    const [first] = building;
    if (first === undefined && current !== null) return { found: current };
    const missing = plainText(first === undefined ? notBuilt(status) : `image ${first.id} is being built`);
    return { missing, progress: first === undefined ? missing : buildText(first) };
  };
}

export function buildFailed({ id, reason }: { readonly id: number; readonly reason: string | null }): CliFailure {
  const text = plainText(`the build of image ${id} failed: ${reason ?? 'nobody knows why'}`);
  return new CliFailure(exitCodes.failed, text, { next: 'see the log of the build' });
}

async function statusOf(daemon: Pick<ControlClient, 'imageStatus'>, name: ImageName): Promise<ImageStatusView> {
  const status = await daemon.imageStatus(name);
  if (status !== null) return status;
  throw new CliFailure(exitCodes.notFound, plainText(`there is no image ${name.image} of ${name.provider}`), {
    next: whereListed.image,
  });
}

function notBuilt({ provider, image, plan }: ImageStatusView): string {
  return `there is no image ${image} of ${provider}${plan === '' ? '' : `: ${plan}`}`;
}
