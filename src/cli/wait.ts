/** Waits until the pool is as wanted: for scripts. Looks again every half second; ends with 8 when time is over. */
import { InvalidArgumentError, type Command } from 'commander';
import type { ControlClient } from '../http/client.js';
import { parseDemand } from '../http/demand-query.js';
import type { CliCommand } from './command.js';
import type { CliContext } from './context.js';
import { withDaemon } from './daemon.js';
import { parseDuration } from './duration.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';

const lookMs = 500;
const defaultTimeoutMs = 300_000;

interface WaitOptions {
  /** Nodes of a label that must be ready. */
  readonly ready?: Readonly<Record<string, number>>;
  readonly empty?: boolean;
  readonly timeout?: number;
}

export const waitCommand: CliCommand = {
  name: 'wait',
  register(program, session) {
    program
      .command('wait')
      .description('wait until the daemon is ready and the pool as wanted; exit with 8 when that takes too long')
      .option('--ready <label=n>', 'until at least N nodes of the label are ready; may be repeated', addReady)
      .option('--empty', 'until there is no node at all')
      .option('--timeout <time>', 'how long, for example 90s or 10m (default: 5m)', parseDuration)
      .action(async (given: WaitOptions, command: Command) => {
        if (given.empty === true && given.ready !== undefined) {
          command.error("error: options '--ready' and '--empty' cannot be used together");
        }
        await withDaemon(session, globalOptions(command), daemon => waitUntil(session, daemon, given));
      });
  },
};

async function waitUntil(context: CliContext, daemon: ControlClient, wanted: WaitOptions): Promise<void> {
  const deadline = context.now() + (wanted.timeout ?? defaultTimeoutMs);
  for (;;) {
    const missing = await missingYet(daemon, wanted);
    if (missing === null) return;
    if (context.signal.aborted) throw new CliFailure(exitCodes.failed, `interrupted; ${missing}`);
    if (context.now() >= deadline) throw new CliFailure(exitCodes.timedOut, `waited in vain: ${missing}`);
    await context.sleep(Math.min(lookMs, deadline - context.now()));
  }
}

/** What is not yet as wanted, for people; null when all is. */
async function missingYet(daemon: ControlClient, wanted: WaitOptions): Promise<string | null> {
  const readiness = await daemon.readiness();
  if (!readiness.ready) {
    const reasons = readiness.dependencies
      .filter(({ ok }) => !ok)
      .map(({ name, reason }) => `${name}: ${reason ?? 'not ok'}`);
    return plainText(`the daemon is not ready (${reasons.join('; ')})`);
  }
  if (wanted.empty !== true && wanted.ready === undefined) return null;
  const nodes = await daemon.nodes();
  if (wanted.empty === true) return nodes.length === 0 ? null : `nodes that are still there: ${nodes.length}`;
  const short = Object.entries(wanted.ready ?? {}).flatMap(([label, count]) => {
    const ready = nodes.filter(node => node.label === label && node.state === 'ready').length;
    return ready >= count ? [] : [`${plainText(label)} has ${ready} of ${count} ready`];
  });
  return short.length === 0 ? null : short.join(', ');
}

function addReady(text: string, earlier: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  try {
    return { ...earlier, ...parseDemand([text]) };
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(`"${text}" is not LABEL=N.`) : error;
  }
}
