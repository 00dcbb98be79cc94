/**
 * Owns    the control API: what the CLI and the page may ask.
 * Hears   its own server's start; serve (config).
 * Tells   node actors the operator's commands, the pool and stats what is asked of them.
 * Stores  nothing.
 * If it dies: the socket is closed and opened anew by the next life; commands in hand fail, and can be given again.
 */
import { nodeId } from '../domain/ids.js';
import { nodeView } from '../domain/views.js';
import { whereListed } from '../domain/where-listed.js';
import type {
  AlienImageView,
  AliensView,
  AlienServerView,
  CommandOutcome,
  ControlApi,
  ControlServer,
  JobOutcome,
  JobView,
  ReadinessView,
  ReloadOutcome,
  TreeView,
} from '../ports/control.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Address, AskOutcome, Context, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import {
  configAddress,
  controlAddress,
  janitorAddress,
  jobsAddress,
  nodeAddress,
  poolAddress,
  statsAddress,
} from './addresses.js';
import type { Preview } from './config.js';
import { explainApi } from './control/explain.js';
import { imageApi } from './control/images.js';
import { lookApi } from './control/looks.js';
import type { AlienQuestion } from './janitor/aliens.js';
import type { PoolPlan } from './pool/plan.js';
import { replyOf, valueOf, type Reply } from './outcome.js';

export type ControlMessage =
  | { readonly type: 'serving'; readonly outcome: TaskOutcome<ControlServer> }
  /** Also where the configuration says something else of where and for whom. */
  | { readonly type: 'serve' };

/** What the actor system itself answers. */
export interface SystemView {
  inspect(path: string): TreeView | null;
  restart(path: string): boolean;
  now(): number;
  request<T, R>(to: Address<T>, question: (replyTo: ReplyTo<R>) => T, deadlineMs: number): Promise<AskOutcome<R>>;
  tell<T>(to: Address<T>, message: T): void;
}

export interface ControlArgs {
  readonly outside: Outside;
  readonly system: SystemView;
  /** Called once, when the API is served. */
  readonly onServing: (server: ControlServer) => void;
  /** Outlives a life: one server must be closed before the next one can have its socket. */
  readonly served: { last: Promise<ControlServer | null> };
}

interface ControlState extends ControlArgs {
  server: ControlServer | null;
  trouble: string | null;
}

/** A command waits for the write of its row, and behind what the node has in hand. */
const commandMs = 30_000;
const lookMs = 5_000;
/** The janitor keeps a deadline of its own for each cloud. */
const aliensMs = 55_000;
const serveAgainMs = 2_000;

export const controlActor: Actor<ControlMessage, ControlState, ControlArgs> = {
  kind: 'control',

  init(ctx, args) {
    ctx.register(controlAddress);
    serve(args, ctx);
    return { ...args, server: null, trouble: null };
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'serve':
        serve(state, ctx);
        return;
      case 'serving':
        if (message.outcome.ok) {
          state.server = message.outcome.value;
          state.trouble = null;
          state.onServing(state.server);
        } else {
          const { error } = message.outcome;
          state.trouble = error instanceof Error ? error.message : String(error);
          state.outside.log.error(`the control API is not served: ${state.trouble}`, { actor: ctx.path });
          ctx.timer('serve', serveAgainMs, { type: 'serve' });
        }
    }
  },

  async onStop({ served }) {
    const server = await served.last.catch(() => null);
    await server?.close();
  },

  describe({ server, trouble }) {
    if (!server) return { state: trouble ?? 'starting' };
    return { state: `serving ${server.socket}${server.url === null ? '' : ` and ${server.url}`}` };
  },
};

function serve(args: ControlArgs, ctx: Context<ControlMessage>): void {
  ctx.task(
    'serve',
    () => serveInstead(args),
    outcome => ({ type: 'serving', outcome }),
    {
      mustSettle: true,
    },
  );
}

function serveInstead(args: ControlArgs): Promise<ControlServer> {
  const { served, outside } = args;
  const next = served.last
    .catch(() => null)
    .then(async before => {
      await before?.close();
      return outside.serve(controlApi(args));
    });
  served.last = next;
  return next;
}

type AlienReply<View> = ReplyTo<Reply<AliensView<View> | null>>;

export function controlApi({ outside, system }: Pick<ControlArgs, 'outside' | 'system'>): ControlApi {
  const command = async (
    id: number,
    question: Parameters<
      typeof system.request<Parameters<ReturnType<typeof nodeAddress>['understands'] & object>[0], CommandOutcome>
    >[1],
  ): Promise<CommandOutcome> => {
    const outcome = await system.request(nodeAddress(nodeId(id)), question, commandMs);
    switch (outcome.kind) {
      case 'reply':
        return outcome.value;
      case 'timeout':
        return { kind: 'failed', message: `node ${id} did not answer within ${commandMs / 1000} s; see nodepool tree` };
      case 'gone':
        return outcome.reason === 'unknown'
          ? { kind: 'not-found', message: `there is no node ${id}`, next: whereListed.node }
          : { kind: 'failed', message: `node ${id} ended before it answered (${outcome.reason})` };
    }
  };
  const aliens = async <View>(
    question: (replyTo: AlienReply<View>) => AlienQuestion,
  ): Promise<AliensView<View> | null> => valueOf(await system.request(janitorAddress, question, aliensMs));
  return {
    tree: path => Promise.resolve(system.inspect(path)),
    nodes: async page => (await outside.store.shared.nodes(page)).map(row => nodeView(row, system.now())),
    ...imageApi(outside, system),
    ...lookApi(outside, system),
    alienServers: provider =>
      aliens<AlienServerView>(replyTo => ({ type: 'find-aliens', what: 'servers', provider, replyTo })),
    alienImages: provider =>
      aliens<AlienImageView>(replyTo => ({ type: 'find-aliens', what: 'images', provider, replyTo })),
    ...explainApi(outside, system),
    hold: (id, { reason, forMs }) => command(id, replyTo => ({ type: 'hold', reason, forMs, replyTo })),
    release: id => command(id, replyTo => ({ type: 'release', replyTo })),
    delete: (id, { now }) => command(id, replyTo => ({ type: 'delete', isUrgent: now, replyTo })),
    restart: path =>
      Promise.resolve(
        system.restart(path)
          ? { kind: 'done', node: null }
          : { kind: 'not-found', message: `there is no actor ${path}`, next: whereListed.actor },
      ),
    reload: async () => {
      const outcome = await system.request(
        configAddress,
        (replyTo: ReplyTo<ReloadOutcome>) => ({ type: 'reload-asked' as const, replyTo }),
        commandMs,
      );
      return outcome.kind === 'reply' ? outcome.value : { kind: 'failed', message: 'the configuration is not read' };
    },
    tune: async (provider, { key, value }) =>
      replyOf(
        await system.request(
          configAddress,
          (replyTo: ReplyTo<CommandOutcome>) => ({ type: 'tune' as const, provider, key, value, replyTo }),
          lookMs,
        ),
      ),
    jobs: async () =>
      replyOf(
        await system.request(
          jobsAddress,
          (replyTo: ReplyTo<readonly JobView[]>) => ({ type: 'list' as const, replyTo }),
          lookMs,
        ),
      ),
    createJob: async ({ name, holdOnFailure }) =>
      replyOf(
        await system.request(
          jobsAddress,
          (replyTo: ReplyTo<JobOutcome>) => ({ type: 'create' as const, name, holdOnFailure, replyTo }),
          commandMs,
        ),
      ),
    deleteJob: async id =>
      replyOf(
        await system.request(
          jobsAddress,
          (replyTo: ReplyTo<JobOutcome>) => ({ type: 'delete' as const, id, replyTo }),
          commandMs,
        ),
      ),
    plan: async (demand, file) => {
      const { config, ...preview } = replyOf(
        await system.request(
          configAddress,
          (replyTo: ReplyTo<Preview>) => ({ type: 'preview' as const, file, replyTo }),
          lookMs,
        ),
      );
      const plan = await system.request(
        poolAddress,
        (replyTo: ReplyTo<PoolPlan>) => ({ type: 'plan' as const, demand, next: config, replyTo }),
        lookMs,
      );
      return { ...replyOf(plan), ...preview };
    },
    readiness: async () =>
      replyOf(
        await system.request(
          statsAddress,
          (replyTo: ReplyTo<ReadinessView>) => ({ type: 'readiness' as const, replyTo }),
          lookMs,
        ),
      ),
    metrics: () => outside.metrics(),
    subscribe(listener) {
      system.tell(statsAddress, { type: 'listen', listener });
      return () => system.tell(statsAddress, { type: 'unlisten', listener });
    },
  };
}
