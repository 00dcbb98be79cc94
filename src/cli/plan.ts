/**
 * What the next allocation round would grant. The daemon answers for the pool as it is; `--empty` answers here, for a
 * pool without nodes, from the configuration file alone.
 */
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { problemText } from '../config/problem.js';
import { peaksOf, type PlannedEffect, type ProviderPeak } from '../domain/config-effects.js';
import { emptyRound } from '../domain/round.js';
import { Stock } from '../domain/stock.js';
import { parseDemand } from '../http/demand-query.js';
import type { PlanView } from '../ports/control.js';
import type { CliCommand } from './command.js';
import { tryConfig } from './configuration.js';
import type { CliContext, CliSession } from './context.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure, InvalidConfiguration } from './failure.js';
import { printData, printList, printNames, type Listing } from './listing.js';
import { globalOptions, type GlobalOptions } from './options.js';
import { plainText } from './plain-text.js';

interface PlanOptions {
  readonly demand?: Readonly<Record<string, number>>;
  readonly empty?: boolean;
  readonly file?: string;
  readonly exitCode?: boolean;
}

export const planCommand: CliCommand = {
  name: 'plan',
  register(program, session) {
    program
      .command('plan')
      .description('show what the next allocation round would grant, and what the configuration file would change')
      .option('--demand <label=n>', 'assume N jobs waiting for the label; may be repeated', addDemand)
      .option('--empty', 'assume no nodes, every image usable and every target online; needs no daemon')
      .option('--file <file>', 'what that file would change, instead of the one that the daemon was started with')
      .option('--exit-code', 'exit with 7 when something would change')
      .action(async (given: PlanOptions, command: Command) => {
        if (given.empty === true && given.file !== undefined) {
          command.error("error: '--empty' takes its file from -c");
        }
        await runPlan(session, given, globalOptions(command));
      });
  },
};

async function runPlan(session: CliSession, given: PlanOptions, options: GlobalOptions): Promise<void> {
  const demand = given.demand ?? {};
  const plan =
    given.empty === true
      ? planEmpty(session, options, demand)
      : await withDaemon(session, options, daemon =>
          daemon.plan(demand, given.file === undefined ? null : resolve(given.file)),
        );
  if (given.file === undefined) expectLabels(demand, Object.keys(plan.deficits));
  // Of another file that is refused there is nothing else to tell.
  const isData = options.output === 'json' || options.output === 'yaml';
  if (isData || given.file === undefined || !plan.isRefused) printPlan(session, options, plan);
  if (!isData) sayProblems(session, plan);
  if (plan.isRefused) session.exit(exitCodes.invalid);
  else if (given.exitCode === true && plan.grants.length + plan.changes.length > 0) session.exit(exitCodes.changes);
}

function sayProblems({ err }: CliContext, { problems, isRefused }: PlanView): void {
  for (const problem of problems) err.write(`${plainText(problem)}\n`);
  if (isRefused) err.write('nodepool: the file is refused, and would change nothing; correct it and plan again\n');
}

function addDemand(text: string, earlier: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  try {
    return { ...earlier, ...parseDemand([text]) };
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(error.message) : error;
  }
}

function planEmpty(context: CliContext, options: GlobalOptions, demand: Readonly<Record<string, number>>): PlanView {
  const loaded = tryConfig(context, options, false);
  if (loaded.kind === 'refused') throw new InvalidConfiguration(loaded.problems);
  const { config } = loaded;
  const round = emptyRound(config, new Map(Object.entries(demand)));
  return {
    grants: round.grants
      .filter(({ count }) => count > 0)
      .map(({ label, provider, target, count }) => ({ label, provider, target, count })),
    deficits: Object.fromEntries(round.deficits),
    changes: [],
    isRefused: false,
    problems: loaded.problems.map(problemText),
    effects: [],
    peaks: peaksOf({ before: { ...config, providers: [] }, after: config }, round, new Stock()),
  };
}

/** A label that is misspelt would be planned for silently, as if nobody wanted it. */
function expectLabels(demand: Readonly<Record<string, number>>, labels: readonly string[]): void {
  const [unknown] = Object.keys(demand).filter(name => !labels.includes(name));
  if (unknown === undefined) return;
  throw new CliFailure(exitCodes.notFound, `the configuration has no label ${plainText(unknown)}`, {
    next: `it has ${labels.map(plainText).join(', ') || 'none'}`,
  });
}

const grantListing: Listing<PlanView['grants'][number]> = {
  columns: [
    { header: 'Label', value: grant => grant.label },
    { header: 'Provider', value: grant => grant.provider },
    { header: 'Target', value: grant => grant.target },
    { header: 'Count', value: grant => grant.count },
  ],
  name: grant => `${grant.label}/${grant.provider}/${grant.target}`,
};

const deficitListing: Listing<readonly [string, number]> = {
  columns: [
    { header: 'Label', value: ([label]) => label },
    { header: 'Deficit', value: ([, deficit]) => deficit },
  ],
  name: ([label]) => label,
};

const peakListing: Listing<ProviderPeak> = {
  columns: [
    { header: 'Provider', value: ({ provider }) => provider },
    { header: 'Servers', value: ({ servers }) => servers },
    { header: 'Launched', value: ({ launched }) => launched },
    { header: 'Templates', value: ({ templates }) => templates },
    { header: 'Peak', value: ({ peak }) => peak },
    { header: 'Max', value: ({ maxServers }) => maxServers },
  ],
  name: ({ provider }) => provider,
};

const effectListing: Listing<PlannedEffect> = {
  columns: [
    { header: 'Effect', value: ({ effect }) => effect },
    { header: 'What', value: ({ what }) => what },
    { header: 'Detail', value: ({ detail }) => detail },
  ],
  name: ({ what }) => what,
};

function printPlan(context: CliContext, options: GlobalOptions, plan: PlanView): void {
  const { output } = options;
  if (output === 'json' || output === 'yaml') return printData(context, output, plan);
  if (output === 'name') return printNames(context, plan.grants.map(grantListing.name));
  const under = <Row>(title: string, listing: Listing<Row>, rows: readonly Row[]): void => {
    context.out.write(`${title}\n`);
    printList(context, output, listing, rows);
  };
  const isChanged = plan.changes.length > 0;
  // What the file would have launched is in the table of servers.
  const round = isChanged ? 'With what is in force, the next round' : 'The next round';
  if (plan.grants.length === 0) context.out.write(`${round} would launch nothing.\n`);
  else under(`${round} would launch:`, grantListing, plan.grants);
  under('Groups that labels lack:', deficitListing, Object.entries(plan.deficits));
  under(`${isChanged ? 'With the configuration file, servers' : 'Servers,'} now and at most:`, peakListing, plan.peaks);
  if (plan.effects.length > 0) under('The configuration file would do to what runs:', effectListing, plan.effects);
  if (isChanged) context.out.write('It says otherwise than what is in force:\n');
  for (const change of plan.changes) context.out.write(`${plainText(change)}\n`);
}
