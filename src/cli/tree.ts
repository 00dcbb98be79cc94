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
import { plainText } from './plain-text.js';
import { drawTree } from './tree-drawing.js';

const redrawMs = 1_000;
const clearScreen = '\u001b[H\u001b[2J';

export const treeCommand: CliCommand = {
  name: 'tree',
  register(program, session) {
    program
      .command('tree')
      .description('show the supervisor tree; with Unicode branches on a terminal, in ASCII elsewhere')
      .argument('[path]', 'the actor at the top', '/')
      .option('--watch', 'draw again every second; off a terminal once')
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
  if (!context.isTerminal) {
    context.err.write('nodepool: not a terminal, so the tree is shown once\n');
    await printTree(context, options, daemon, path);
    return;
  }
  while (!context.signal.aborted) {
    context.out.write(clearScreen);
    await printTree(context, options, daemon, path);
    await context.sleep(redrawMs);
  }
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
      context.out.write(
        drawTree(tree, {
          hasUnicode: context.isTerminal,
          hasColour: context.isTerminal && !context.env['NO_COLOR'],
          isWide: options.output === 'wide',
        }),
      );
  }
}

function pathsOf(actor: TreeView): string[] {
  return [actor.path, ...actor.children.flatMap(pathsOf)];
}
