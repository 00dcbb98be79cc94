/** `top`: the pool at a glance, as it moves; off a terminal once. */
import type { Command } from 'commander';
import type { ControlClient } from '../http/client.js';
import type { CliCommand } from './command.js';
import type { CliContext } from './context.js';
import { withDaemon } from './daemon.js';
import { printData } from './listing.js';
import { globalOptions, type GlobalOptions } from './options.js';
import { columns, countsOf, providerCells, providerHeaders, summaryOf, type Glance } from './top/glance.js';

export const topCommand: CliCommand = {
  name: 'top',
  register(program, session) {
    program
      .command('top')
      .description('show the pool at a glance, as it moves; off a terminal once')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        await withDaemon(session, options, daemon => top(session, options, daemon));
      });
  },
};

async function top(context: CliContext, options: GlobalOptions, daemon: ControlClient): Promise<void> {
  const { terminal } = context;
  if (terminal !== null && options.output === 'table') {
    // What it draws with takes longer to load than other commands run, and in its debug form keeps what it measures.
    process.env['NODE_ENV'] ??= 'production';
    // Shells on CI machines say CI, and Ink then draws once, at the end: here somebody looks.
    Object.assign(process.env, { CI: 'false', CONTINUOUS_INTEGRATION: 'false' });
    const { showTop } = await import('./top/screen.js');
    await showTop({ daemon, terminal, context });
    return;
  }
  const seen = await glance(daemon);
  if (options.output === 'json' || options.output === 'yaml') {
    const { readiness, providers, nodes, history } = seen;
    const counts = Object.fromEntries(countsOf(nodes).map(({ state, count }) => [state, count]));
    printData(context, options.output, {
      ready: readiness.ready,
      counts,
      providers,
      summary: summaryOf(seen),
      history,
    });
    return;
  }
  context.err.write('nodepool: not a terminal, so this is shown once; nodepool watch follows what happens\n');
  context.out.write(onceText(seen));
}

export async function glance(daemon: ControlClient): Promise<Glance> {
  const [readiness, providers, nodes, history] = await Promise.all([
    daemon.readiness(),
    daemon.providers(),
    daemon.nodes(),
    // Only the last mark is shown.
    daemon.history(null),
  ]);
  return { readiness, providers, nodes, history };
}

function onceText(seen: Glance): string {
  const counts = countsOf(seen.nodes).map(({ state, count }) => `${state} ${count}`);
  const providers = columns([providerHeaders, ...seen.providers.map(providerCells)]);
  return [summaryOf(seen), counts.join('  '), '', ...providers, ''].join('\n');
}
