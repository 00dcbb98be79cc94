/**
 * The daemon of a stage in a process of its own, so that it can be killed. `stage.ts` starts it, says in the first
 * message what it is to run, and in a second one that it is to stop; it goes with its parent.
 */
import { compose } from '../main.js';
import type { PoolConfig } from '../domain/pool-config.js';
import { unwatchedConfig } from './staged-config.js';

/** Also what the parent hears of it. */
export type StagedOrder =
  { readonly type: 'run'; readonly config: PoolConfig; readonly socket: string } | { readonly type: 'stop' };
export type StagedAnswer =
  { readonly type: 'serving'; readonly url: string | null } | { readonly type: 'failed'; readonly message: string };

// Ctrl-C is for the parent, which then says that it is to stop.
process.on('SIGINT', () => undefined);

let stop = (): Promise<void> => Promise.resolve();

process.on('message', (order: StagedOrder) => {
  void (order.type === 'run' ? run(order) : end(0));
});
process.on('disconnect', () => void end(1));

async function run({ config, socket }: Extract<StagedOrder, { type: 'run' }>): Promise<void> {
  try {
    const daemon = await compose({ ...unwatchedConfig(config), socket, log: silent });
    stop = () => daemon.stop();
    answer({ type: 'serving', url: daemon.control.url });
    void daemon.failed.then(fail);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  answer({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}

function answer(what: StagedAnswer): void {
  process.send?.(what);
}

async function end(code: number): Promise<void> {
  await stop();
  process.exit(code);
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
