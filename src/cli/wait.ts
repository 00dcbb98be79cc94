/**
 * Waits until the pool, a node or an image is as wanted: for scripts. Looks again every half second; ends with 8 when
 * time is over.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ControlClient } from '../http/client.js';
import { parseDemand } from '../http/demand-query.js';
import type { CliCommand } from './command.js';
import type { CliContext } from './context.js';
import { withDaemon } from './daemon.js';
import { parseDuration } from './duration.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printList } from './listing.js';
import { imageListing, nodeListing } from './node-listing.js';
import { globalOptions, parseNodeId, type GlobalOptions } from './options.js';
import { plainText } from './plain-text.js';
import { withProgress } from './progress.js';
import { lookAtImage } from './wait/image.js';
import { lookAtNode, nodeEnds, type NodeEnd } from './wait/node.js';

const lookMs = 500;
const defaultTimeoutMs = 300_000;

interface TimeOption {
  readonly timeout?: number;
}

interface WaitOptions extends TimeOption {
  /** Nodes of a label that must be ready. */
  readonly ready?: Readonly<Record<string, number>>;
  readonly empty?: boolean;
}

/** What is waited for has come, or not yet: then what is missing, for people. */
export type Seen<Found> = { readonly found: Found } | { readonly missing: string; readonly progress: string };

export const waitCommand: CliCommand = {
  name: 'wait',
  register(program, session) {
    const wait = program
      .command('wait')
      .description('wait until the daemon is ready and the pool as wanted; exit with 8 when that takes too long')
      .option('--ready <label=n>', 'until at least N nodes of the label are ready; may be repeated', addReady)
      .option('--empty', 'until there is no node at all')
      .addOption(timeoutOption())
      .action(async (given: WaitOptions, command: Command) => {
        if (given.empty === true && given.ready !== undefined) {
          command.error("error: options '--ready' and '--empty' cannot be used together");
        }
        await withDaemon(session, globalOptions(command), daemon =>
          until(session, given, () => lookAtPool(daemon, given)),
        );
      });
    addNode(wait, session);
    addImage(wait, session);
  },
};

function addNode(wait: Command, session: CliContext): void {
  wait
    .command('node')
    .description('wait until a node is in a state, and list it; exit with 4 when it can no longer come there')
    .argument('<id>', 'the node', parseNodeId)
    .addOption(new Option('--for <state>', 'which state').choices(nodeEnds).default('ready'))
    .addOption(timeoutOption())
    .action(async (id: number, given: TimeOption & { for: NodeEnd }, command: Command) => {
      const options = globalOptions(command);
      await withDaemon(session, options, async daemon => {
        const node = await until(session, whole(given, command), () => lookAtNode(daemon, id, given.for));
        printList(session, options.output, nodeListing, node === null ? [] : [node]);
      });
    });
}

function addImage(wait: Command, session: CliContext): void {
  wait
    .command('image')
    .description('wait until nodes can boot from an image and none of it is being built, and list it')
    .argument('<provider>', 'the provider, as the configuration names it')
    .argument('<image>', 'its image')
    .addOption(new Option('--for <state>', 'which state').choices(['ready']).default('ready'))
    .addOption(timeoutOption())
    .action(async (provider: string, image: string, given: TimeOption, command: Command) => {
      const options: GlobalOptions = globalOptions(command);
      await withDaemon(session, options, async daemon => {
        const look = await lookAtImage(daemon, { provider, image });
        const current = await until(session, whole(given, command), look);
        printList(session, options.output, imageListing, [current]);
      });
    });
}

/** `--timeout` is understood before and after the word `node` or `image`; the other options are not theirs. */
function whole(given: TimeOption, command: Command): TimeOption {
  const { timeout, ready, empty } = command.optsWithGlobals<WaitOptions>();
  if (ready !== undefined || empty === true) command.error("error: '--ready' and '--empty' are about all nodes");
  return timeout === undefined ? given : { timeout };
}

function timeoutOption(): Option {
  return new Option('--timeout <time>', 'how long, for example 90s or 10m (default: 5m)').argParser(parseDuration);
}

async function until<Found>(
  context: CliContext,
  { timeout = defaultTimeoutMs }: TimeOption,
  look: () => Promise<Seen<Found>>,
): Promise<Found> {
  const beganAt = context.now();
  const deadline = beganAt + timeout;
  return withProgress(context, async line => {
    for (;;) {
      const seen = await look();
      if ('found' in seen) return seen.found;
      if (context.signal.aborted) throw new CliFailure(exitCodes.failed, `interrupted; ${seen.missing}`);
      if (context.now() >= deadline) throw new CliFailure(exitCodes.timedOut, `waited in vain: ${seen.missing}`);
      line.show(`${seen.progress}; ${Math.floor((context.now() - beganAt) / 1000)} s`);
      await context.sleep(Math.min(lookMs, deadline - context.now()));
    }
  });
}

async function lookAtPool(daemon: ControlClient, wanted: WaitOptions): Promise<Seen<true>> {
  const missing = await missingYet(daemon, wanted);
  return missing === null ? { found: true } : { missing, progress: `waiting: ${missing}` };
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
  await expectLabels(daemon, Object.keys(wanted.ready ?? {}));
  const nodes = await daemon.nodes();
  if (wanted.empty === true) return nodes.length === 0 ? null : `nodes that are still there: ${nodes.length}`;
  const short = Object.entries(wanted.ready ?? {}).flatMap(([label, count]) => {
    const ready = nodes.filter(node => node.label === label && node.state === 'ready').length;
    return ready >= count ? [] : [`${plainText(label)} has ${ready} of ${count} ready`];
  });
  return short.length === 0 ? null : short.join(', ');
}

/** A label that is misspelt would be waited for in vain. */
async function expectLabels(daemon: ControlClient, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const known = (await daemon.explain({}))?.labels.map(({ label }) => label) ?? names;
  const unknown = names.find(name => !known.includes(name));
  if (unknown === undefined) return;
  throw new CliFailure(exitCodes.notFound, `the configuration has no label ${plainText(unknown)}`, {
    next: `it has ${known.map(plainText).join(', ') || 'none'}`,
  });
}

function addReady(text: string, earlier: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  try {
    return { ...earlier, ...parseDemand([text]) };
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(`"${text}" is not LABEL=N.`) : error;
  }
}
