/** One command of `nodepool`: a file of its own, an entry in the table of `main.ts`. */
import type { Command } from 'commander';
import type { CommandOutcome, ImageOutcome } from '../ports/control.js';
import type { CliContext, CliSession } from './context.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printList } from './listing.js';
import { imageListing, nodeListing } from './node-listing.js';
import type { GlobalOptions } from './options.js';

export interface CliCommand {
  readonly name: string;
  /** Adds the command to the program; its action uses the session. */
  register(program: Command, session: CliSession): void;
}

/** Throws unless the command was done. */
export function expectDone<Outcome extends CommandOutcome | ImageOutcome>(
  outcome: Outcome,
): Extract<Outcome, { kind: 'done' }> {
  switch (outcome.kind) {
    case 'done':
      return outcome as Extract<Outcome, { kind: 'done' }>;
    case 'not-found':
      throw new CliFailure(exitCodes.notFound, outcome.message, outcome);
    case 'refused':
      throw new CliFailure(exitCodes.refused, outcome.message, outcome);
    case 'failed':
      throw new CliFailure(exitCodes.failed, outcome.message, { next: 'see the log of nodepoold' });
  }
}

/** Lists the node that a command was about, as the original did. One that is gone already leaves an empty list. */
export function printOutcome(context: CliContext, options: GlobalOptions, outcome: CommandOutcome): void {
  const { node } = expectDone(outcome);
  printList(context, options.output, nodeListing, node === null ? [] : [node]);
}

export function printImageOutcome(context: CliContext, options: GlobalOptions, outcome: ImageOutcome): void {
  const { image } = expectDone(outcome);
  printList(context, options.output, imageListing, image === null ? [] : [image]);
}
