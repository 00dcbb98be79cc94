/** `nodepool`: the table of commands, and what becomes of their failures. */
import { Command } from 'commander';
import { alienImageListCommand, alienListCommand } from './alien-list.js';
import type { CliCommand } from './command.js';
import { completionCommand } from './completion.js';
import type { CliContext, CliSession } from './context.js';
import { deleteCommand } from './delete.js';
import { demoCommand } from './demo.js';
import { doctorCommand } from './doctor.js';
import { examplesText } from './examples.js';
import { exitCodes, type ExitCode } from './exit-codes.js';
import { explainCommand } from './explain.js';
import { reportFailure } from './failure.js';
import { holdCommand } from './hold.js';
import { imageDeleteCommand } from './image-delete.js';
import { imageListCommand } from './image-list.js';
import { imagePauseCommand, imageResumeCommand } from './image-pause.js';
import { imageUpdateCommand } from './image-update.js';
import { jobCreateCommand, jobDeleteCommand, jobListCommand } from './jobs.js';
import { listCommand } from './list.js';
import { addGlobalOptions } from './options.js';
import { planCommand } from './plan.js';
import { rehearseCommand } from './rehearse.js';
import { releaseCommand } from './release.js';
import { reloadCommand } from './reload.js';
import { restartCommand } from './restart.js';
import { inspectCommand } from './inspect.js';
import { topCommand } from './top.js';
import { treeCommand } from './tree.js';
import { tuneCommand } from './tune.js';
import { configValidateCommand } from './validate.js';
import { productVersion, versionCommand } from './version.js';
import { waitCommand } from './wait.js';
import { watchCommand } from './watch.js';

/** In the order of the help. */
export const commands: readonly CliCommand[] = [
  listCommand,
  imageListCommand,
  alienListCommand,
  alienImageListCommand,
  imageUpdateCommand,
  imageDeleteCommand,
  imagePauseCommand,
  imageResumeCommand,
  holdCommand,
  releaseCommand,
  deleteCommand,
  jobListCommand,
  jobCreateCommand,
  jobDeleteCommand,
  treeCommand,
  inspectCommand,
  topCommand,
  restartCommand,
  explainCommand,
  planCommand,
  tuneCommand,
  reloadCommand,
  configValidateCommand,
  doctorCommand,
  watchCommand,
  waitCommand,
  demoCommand,
  rehearseCommand,
  versionCommand,
  completionCommand,
];

/** Runs one command line, without the program's name; answers the exit code. */
export async function runCli(
  argv: readonly string[],
  context: CliContext,
  table: readonly CliCommand[] = commands,
): Promise<number> {
  let code: ExitCode = exitCodes.done;
  const session: CliSession = { ...context, exit: given => (code = given) };
  const program = makeProgram(context);
  for (const command of table) {
    command.register(program, session);
    program.commands.at(-1)?.addHelpText('after', examplesText(command.name));
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    const report = reportFailure(error, program.opts<{ debug?: boolean }>().debug ?? false);
    context.err.write(report.text);
    return report.code;
  }
}

function makeProgram(context: CliContext): Command {
  const program = new Command('nodepool')
    .description('A pool of single-use CI machines')
    .version(productVersion(), '--version', 'show the version')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for how it is used)')
    .configureOutput({
      writeOut: text => void context.out.write(text),
      writeErr: text => void context.err.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    // Inherited by the commands: errors are thrown, and never end the process themselves.
    .exitOverride();
  return addGlobalOptions(program);
}
