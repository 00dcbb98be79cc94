/** Servers and images that no row names, asked of the clouds now: one that does not answer hides no other (lesson 161). */
import { alienImages, alienServers, type AlienRows } from '../../domain/aliens.js';
import { Fault } from '../../domain/fault.js';
import type { Provider } from '../../domain/pool-config.js';
import type { AlienImageView, AlienServerView, AliensView } from '../../ports/control.js';
import type { Session } from '../../ports/store.js';
import type { ReplyTo, TaskIo, TaskOutcome } from '../../runtime/actor.js';
import { askCloud } from '../cloud/request.js';
import { listServers } from '../cloud/sight.js';
import type { JanitorContext, JanitorState } from '../janitor.js';
import type { Reply } from '../outcome.js';
import { asFault } from '../store.js';

/** Of one provider, or of all. Null: there is no such provider. */
export type AlienQuestion =
  | {
      readonly type: 'find-aliens';
      readonly what: 'servers';
      readonly provider: string | null;
      readonly replyTo: ReplyTo<Reply<AliensView<AlienServerView> | null>>;
    }
  | {
      readonly type: 'find-aliens';
      readonly what: 'images';
      readonly provider: string | null;
      readonly replyTo: ReplyTo<Reply<AliensView<AlienImageView> | null>>;
    };

interface AlienIo {
  readonly session: Session;
  readonly task: TaskIo;
}

/** Whoever asks waits for it, and each call waits its turn. */
export const alienMs = 45_000;

export function findAliens(question: AlienQuestion, { outside, settings }: JanitorState, ctx: JanitorContext): void {
  const { provider: name } = question;
  const named = name === null ? null : settings.lastKnown.provider(name);
  if (name !== null && named === null) {
    question.replyTo.reply({ ok: true, value: null });
    return;
  }
  const providers = named === null ? settings.config.providers : [named];
  const session = outside.store.shared;
  if (question.what === 'servers') {
    const { replyTo } = question;
    ctx.task(
      'find alien servers',
      task => findAlienServers(providers, { session, task }),
      outcome => ({ type: 'aliens-found', settle: () => replyTo.reply(asReply(outcome)) }),
    );
  } else {
    const { replyTo } = question;
    ctx.task(
      'find alien images',
      task => findAlienImages(providers, { session, task }),
      outcome => ({ type: 'aliens-found', settle: () => replyTo.reply(asReply(outcome)) }),
    );
  }
}

function asReply<T>(outcome: TaskOutcome<T>): Reply<T> {
  return outcome.ok ? outcome : { ok: false, fault: asFault(outcome.error) };
}

function findAlienServers(providers: readonly Provider[], io: AlienIo): Promise<AliensView<AlienServerView>> {
  return collect(providers, async provider => {
    const servers = await listServers(provider.name, io.task, alienMs);
    // Read after it: the row of a server is there before the server.
    return alienServers(provider, servers, await rowsOf(io));
  });
}

function findAlienImages(providers: readonly Provider[], io: AlienIo): Promise<AliensView<AlienImageView>> {
  return collect(providers, async ({ name: provider }) => {
    const images = await askCloud(io.task, { provider, op: 'listImages', args: [] }, alienMs);
    return alienImages(provider, images, await rowsOf(io));
  });
}

async function rowsOf({ session }: AlienIo): Promise<AlienRows> {
  const [nodes, snapshots] = await Promise.all([session.nodes(), session.snapshots()]);
  return { nodes, snapshots };
}

async function collect<View>(
  providers: readonly Provider[],
  look: (provider: Provider) => Promise<readonly View[]>,
): Promise<AliensView<View>> {
  const found = await Promise.all(
    providers.map(async provider => {
      try {
        return { aliens: await look(provider), troubles: [] };
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return { aliens: [], troubles: [{ provider: provider.name, reason: error.message, next: error.next }] };
      }
    }),
  );
  return { aliens: found.flatMap(each => each.aliens), troubles: found.flatMap(each => each.troubles) };
}
