/** What may be asked about images. */
import { snapshotId, type SnapshotId } from '../../domain/ids.js';
import type { ImageName } from '../../domain/snapshot-row.js';
import { imageView } from '../../domain/views.js';
import { whereListed } from '../../domain/where-listed.js';
import type { ImageApi, ImageOutcome, ImageStatusView, ImageView } from '../../ports/control.js';
import type { Outside } from '../../ports/outside.js';
import type { Address, ReplyTo } from '../../runtime/actor.js';
import { imageAddress, snapshotAddress } from '../addresses.js';
import type { SystemView } from '../control.js';
import { answerOf } from '../outcome.js';

/** A command waits for the write of a row, and behind what the actor has in hand. */
const commandMs = 30_000;
const lookMs = 5_000;

export function imageApi({ store }: Pick<Outside, 'store'>, system: SystemView): ImageApi {
  const progressOf = async (id: SnapshotId): Promise<string | null> => {
    const question = (replyTo: ReplyTo<string | null>) => ({ type: 'progress' as const, replyTo });
    return answerOf(await system.request(snapshotAddress(id), question, lookMs));
  };
  const withProgress = async (image: ImageView): Promise<ImageView> => ({
    ...image,
    progress: image.state === 'building' ? await progressOf(snapshotId(image.id)) : null,
  });
  const ofImage = (name: ImageName) => commander(system, `image ${name.image} of ${name.provider}`, addressOf(name));

  return {
    images: async () =>
      Promise.all((await store.shared.snapshots()).map(row => withProgress(imageView(row, system.now())))),
    imageStatus: async name => {
      const question = (replyTo: ReplyTo<ImageStatusView>) => ({ type: 'status' as const, replyTo });
      const status = answerOf(await system.request(addressOf(name), question, lookMs));
      return status && { ...status, building: await Promise.all(status.building.map(withProgress)) };
    },
    updateImage: name => ofImage(name)(replyTo => ({ type: 'update', replyTo })),
    pauseImage: (name, isPaused) => ofImage(name)(replyTo => ({ type: 'pause', isPaused, replyTo })),
    deleteImage: id =>
      commander(system, `image ${id}`, snapshotAddress(snapshotId(id)))(replyTo => ({ type: 'delete', replyTo })),
  };
}

const addressOf = ({ provider, image }: ImageName) => imageAddress(provider, image);

/** Gives commands to one actor, and says what became of them. */
function commander<Message>(system: SystemView, what: string, to: Address<Message>) {
  return async (question: (replyTo: ReplyTo<ImageOutcome>) => Message): Promise<ImageOutcome> => {
    const outcome = await system.request(to, question, commandMs);
    switch (outcome.kind) {
      case 'reply':
        return outcome.value;
      case 'timeout':
        return { kind: 'failed', message: `${what} did not answer within ${commandMs / 1000} s; see nodepool tree` };
      case 'gone':
        return outcome.reason === 'unknown'
          ? { kind: 'not-found', message: `there is no ${what}`, next: whereListed.image }
          : { kind: 'failed', message: `${what} ended before it answered (${outcome.reason})` };
    }
  };
}
