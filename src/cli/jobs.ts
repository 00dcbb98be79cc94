/** `job-list`, `job-create`, `job-delete`: jobs of which nodes are kept when they fail (0.3's auto-hold). */
import { InvalidArgumentError, type Command } from 'commander';
import type { JobOutcome, JobView } from '../ports/control.js';
import type { CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printList, type Listing } from './listing.js';
import { createJobOffline, deleteJobOffline, readJobs } from './offline.js';
import { globalOptions, parseJobId } from './options.js';

const jobListing: Listing<JobView> = {
  columns: [
    { header: 'ID', value: job => job.id },
    { header: 'Name', value: job => job.name },
    { header: 'Hold on Failure', value: job => job.holdOnFailure },
  ],
  name: job => `job/${job.id}`,
};

export const jobListCommand: CliCommand = {
  name: 'job-list',
  register(program, session) {
    program
      .command('job-list')
      .description('list the jobs of which nodes are kept when they fail')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        const jobs = await withDaemon(
          session,
          options,
          daemon => daemon.jobs(),
          () => readJobs(session, options),
        );
        printList(session, options.output, jobListing, jobs);
      });
  },
};

export const jobCreateCommand: CliCommand = {
  name: 'job-create',
  register(program, session) {
    program
      .command('job-create')
      .description('keep nodes of a job when it fails on them')
      .argument('<name>', 'the job, as Jenkins calls it')
      .option('--hold-on-failure <n>', 'how many nodes to keep', parseCount, 0)
      .action(async (name: string, given: { holdOnFailure: number }, command: Command) => {
        const options = globalOptions(command);
        const job = { name, holdOnFailure: given.holdOnFailure };
        const outcome = await withDaemon(
          session,
          options,
          daemon => daemon.createJob(job),
          () => createJobOffline(session, options, job),
        );
        printList(session, options.output, jobListing, [expectJob(outcome)]);
        if (job.holdOnFailure === 0) {
          session.err.write(
            'nodepool: no node of it is kept; job-delete ID, then job-create with --hold-on-failure N\n',
          );
        }
      });
  },
};

export const jobDeleteCommand: CliCommand = {
  name: 'job-delete',
  register(program, session) {
    program
      .command('job-delete')
      .description('keep no more nodes of a job; those that are held stay held')
      .argument('<id>', 'the job, as job-list numbers it', parseJobId)
      .action(async (id: number, _options, command: Command) => {
        const options = globalOptions(command);
        const outcome = await withDaemon(
          session,
          options,
          daemon => daemon.deleteJob(id),
          () => deleteJobOffline(session, options, id),
        );
        printList(session, options.output, jobListing, [expectJob(outcome)]);
      });
  },
};

function expectJob(outcome: JobOutcome): JobView {
  switch (outcome.kind) {
    case 'done':
      return outcome.job;
    case 'not-found':
      throw new CliFailure(exitCodes.notFound, outcome.message, outcome);
    case 'refused':
      throw new CliFailure(exitCodes.refused, outcome.message, outcome);
    case 'failed':
      throw new CliFailure(exitCodes.failed, outcome.message, { next: 'see the log of nodepoold' });
  }
}

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a number of nodes.`);
  return Number(text);
}
