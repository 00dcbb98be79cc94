/** `tree` shows the actors beneath a path. */
import type { Command } from 'commander';
import type { ControlClient } from '../http/client.js';
import type { TreeView } from '../ports/control.js';
import type { CliCommand } from './command.js';
import type { CliContext } from './context.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printData, printNames } from './listing.js';
import { globalOptions, type GlobalOptions } from './options.js';
import { onOwnScreen } from './own-screen.js';
import { plainText } from './plain-text.js';
import { drawTree, type DrawingStyle } from './tree-drawing.js';

const redrawMs = 1_000;
const home = '\u001b[H';
const clearLine = '\u001b[K';
const clearBelow = '\u001b[J';

export const treeCommand: CliCommand = {
  name: 'tree',
  register(program, session) {
    program
      .command('tree')
      .description('show the supervisor tree; with Unicode branches on a terminal, in ASCII elsewhere')
      .argument('[path]', 'the actor at the top', '/')
      .option('--watch', 'draw again every second what fits on the screen; off a terminal once')
      .action(async (path: string, given: { watch?: boolean }, command: Command) => {
        const options = globalOptions(command);
        await withDaemon(session, options, daemon =>
          given.watch === true ? watchTree(session, options, daemon, path) : printTree(session, options, daemon, path),
        );
      });
  },
};

export async function findActor(daemon: ControlClient, path: string): Promise<TreeView> {
  const actor = await daemon.tree(path);
  if (actor !== null) return actor;
  throw new CliFailure(exitCodes.notFound, `no actor has the path ${plainText(path)}`, {
    next: 'nodepool tree lists them all',
  });
}

async function watchTree(
  context: CliContext,
  options: GlobalOptions,
  daemon: ControlClient,
  path: string,
): Promise<void> {
  const { output } = options;
  if (!context.isTerminal || (output !== 'table' && output !== 'wide')) {
    const why = context.isTerminal ? `-o ${output} is for programs` : 'not a terminal';
    context.err.write(`nodepool: ${why}, so the tree is shown once\n`);
    await printTree(context, options, daemon, path);
    return;
  }
  // What is wrong from the start is said on the usual screen.
  let tree = await findActor(daemon, path);
  await onOwnScreen(context.out, async () => {
    while (!context.signal.aborted) {
      const { rows, columns } = context.screenSize();
      const lines = fitting(drawTree(tree, { ...styleOf(context, options), columns }), { rows, columns });
      context.out.write(`${home}${lines.map(line => line + clearLine).join('\n')}${clearBelow}`);
      await context.sleep(redrawMs);
      if (!context.signal.aborted) tree = await findActor(daemon, path);
    }
  });
}

/** From the top, as `watch` shows what is longer than its screen. */
function fitting(lines: readonly string[], { rows, columns }: ReturnType<CliContext['screenSize']>): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, rows - 1);
  const rest = `${lines.length - shown.length} more; nodepool tree PATH --watch shows what is below PATH`;
  return [...shown, rest.slice(0, columns)];
}

async function printTree(
  context: CliContext,
  options: GlobalOptions,
  daemon: ControlClient,
  path: string,
): Promise<void> {
  const tree = await findActor(daemon, path);
  switch (options.output) {
    case 'json':
    case 'yaml':
      return printData(context, options.output, tree);
    case 'name':
      return printNames(context, pathsOf(tree));
    case 'table':
    case 'wide':
      context.out.write(`${drawTree(tree, styleOf(context, options)).join('\n')}\n`);
  }
}

function styleOf({ isTerminal, env }: CliContext, { output }: GlobalOptions): DrawingStyle {
  return {
    hasUnicode: isTerminal,
    hasColour: isTerminal && !env['NO_COLOR'],
    isWide: output === 'wide',
    columns: null,
  };
}

function pathsOf(actor: TreeView): string[] {
  return [actor.path, ...actor.children.flatMap(pathsOf)];
}
