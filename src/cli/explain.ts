/** Why nodes are or are not launched, on one screen: in general, of a label, of a provider, of one node. */
import { Argument, type Command } from 'commander';
import type { FailedLaunch } from '../domain/failed-launches.js';
import type { ExplainedRefusal, LabelExplanation, ProviderExplanation, Waiting } from '../domain/explain.js';
import type { LedgerEntry } from '../domain/ledger.js';
import type { ExplainQuery, ExplainView, NodeExplanation } from '../ports/control.js';
import type { CliCommand } from './command.js';
import type { CliContext } from './context.js';
import { withDaemon } from './daemon.js';
import { parseDuration } from './duration.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printData, printNames } from './listing.js';
import { globalOptions, parseNodeId } from './options.js';
import { plainText } from './plain-text.js';
import { storyLines } from './story-lines.js';
import { shortAge } from './tree-drawing.js';

const subjects = ['label', 'provider', 'node'] as const;
type Subject = (typeof subjects)[number];

export const explainCommand: CliCommand = {
  name: 'explain',
  register(program, session) {
    program
      .command('explain')
      .description('say why nodes are or are not launched: explain, explain label NAME, provider NAME, node ID')
      .addArgument(new Argument('[subject]', 'what is to be explained; without it every label').choices(subjects))
      .argument('[name]', 'its name or id')
      .option('--since <time>', 'also the rounds of the last time, for example 30m or 24h', parseDuration)
      .action(async (subject: Subject | undefined, name: string | undefined, given, command: Command) => {
        if (subject !== undefined && name === undefined) {
          command.error(`error: name the ${subject} that is to be explained`);
        }
        const { since } = given as { since?: number };
        const options = globalOptions(command);
        const about: ExplainQuery = {
          ...aboutWhat(subject, name),
          ...(since === undefined ? {} : { since: session.now() - since }),
        };
        const view = await withDaemon(session, options, daemon => daemon.explain(about));
        if (view === null) {
          throw new CliFailure(exitCodes.notFound, `there is no ${subject ?? ''} ${plainText(name ?? '')}`, {
            next: 'nodepool list, nodepool explain and nodepool tree show what there is',
          });
        }
        if (options.output === 'json' || options.output === 'yaml') printData(session, options.output, view);
        else if (options.output === 'name') printNames(session, namesIn(view));
        else printExplanation(session, view);
      });
  },
};

function aboutWhat(subject: Subject | undefined, name = ''): ExplainQuery {
  switch (subject) {
    case undefined:
      return {};
    case 'label':
      return { label: name };
    case 'provider':
      return { provider: name };
    case 'node':
      return { node: parseNodeId(name) };
  }
}

function namesIn({ node, labels, providers }: ExplainView): string[] {
  return [
    ...(node === null ? [] : [`node/${node.id}`]),
    ...labels.map(({ label }) => `label/${label}`),
    ...providers.map(({ provider }) => `provider/${provider}`),
  ];
}

function printExplanation(context: CliContext, view: ExplainView): void {
  const { at, labels, providers, node, rounds } = view;
  const text = [
    ...(node === null ? [roundLine(view)] : nodeLines(node, at)),
    ...labels.flatMap(each => labelLines(each, at)),
    ...providers.flatMap(each => providerLines(each, at)),
    ...(rounds.length === 0 ? [] : ['', 'rounds, the latest last:', ...rounds.flatMap(roundLines)]),
  ];
  context.out.write(text.map(line => `${plainText(line)}\n`).join(''));
}

function roundLine({ at, roundAt, sampledAt }: ExplainView): string {
  const round = roundAt === null ? 'no round yet' : `last round ${ago(roundAt, at)}`;
  const demand = sampledAt === null ? 'demand unknown: only min-ready counts' : `demand sampled ${ago(sampledAt, at)}`;
  return `${round}, ${demand}`;
}

function labelLines({ label, verdict, refusals, images, failures, underWay }: LabelExplanation, at: number): string[] {
  const troubled = images.flatMap(({ image, provider, detail, next }) => [
    `  image ${image} of ${provider}: ${detail}`,
    `    -> ${next}`,
  ]);
  const failed = failureLines(failures, at, ({ provider }) => `in ${provider}`);
  return [
    '',
    `label ${label}: ${verdict}`,
    ...refusalLines(refusals, at),
    ...troubled,
    ...failed,
    ...underWayLines(underWay),
  ];
}

function providerLines({ provider, verdict, refusals, failures, underWay }: ProviderExplanation, at: number): string[] {
  const named = refusals.map(each => ({ ...each, detail: `label ${each.label}: ${each.detail}` }));
  const failed = failureLines(failures, at, ({ label }) => `of label ${label}`);
  return ['', `provider ${provider}: ${verdict}`, ...refusalLines(named, at), ...failed, ...underWayLines(underWay)];
}

/** What is to be done is said once for those for which it is the same. */
function refusalLines(refusals: readonly ExplainedRefusal[], at: number): string[] {
  return refusals.flatMap(({ reason, detail, until, next }, index) => {
    const again = until === null ? '' : ` (again ${inTime(until, at)})`;
    const isLast = refusals[index + 1]?.next !== next;
    return [`  ${reason}: ${detail}${again}`, ...(isLast ? [`    -> ${next}`] : [])];
  });
}

function failureLines(
  failures: readonly FailedLaunch[],
  at: number,
  where: (failure: FailedLaunch) => string,
): string[] {
  return failures.flatMap(failure => {
    const { inARow, node, detail, next } = failure;
    const times = inARow === 1 ? 'the last launch' : `the last ${inARow} launches`;
    return [`  failed: ${times} ${where(failure)}, node ${node} ${ago(failure.at, at)}: ${detail}`, `    -> ${next}`];
  });
}

function underWayLines(underWay: readonly Waiting[]): string[] {
  return underWay.flatMap(({ provider, step, count, waitsFor, secondsMax, detail, next }) => {
    const line = `  ${count} on the way in ${provider}, step ${step ?? 'none'} for up to ${shortAge(secondsMax)}`;
    if (waitsFor === 'step') return [line];
    return [`${line}, waiting for ${waitsFor}: ${detail}`, `    -> ${next}`];
  });
}

function nodeLines(node: NodeExplanation, at: number): string[] {
  const { id, label, provider, state, step, since, waitsFor, until, detail, lastError, next, story } = node;
  const rows: readonly (readonly [string, string | null])[] = [
    ['node', `${id}, ${label} in ${provider}`],
    [
      'state',
      `${state}${step === null ? '' : `, step ${step}`}, since ${new Date(since).toISOString()} (${ago(since, at)})`,
    ],
    ['waits for', `${waitsFor}: ${detail}${until === null ? '' : ` (${inTime(until, at)})`}`],
    ['last error', lastError],
    ['next', next],
  ];
  const facts = rows.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(12)}${value}`]));
  return story.length === 0
    ? facts
    : [...facts, '', 'story, the latest last:', ...storyLines(story, at).map(line => `  ${line}`)];
}

function roundLines({ at, until, rounds, labels, refusals }: LedgerEntry): string[] {
  const span = until === at ? '' : ` to ${timeOf(until)}`;
  const asked = labels.map(({ label, wanted, granted, waiting }) => {
    return `${label} ${granted} granted, ${wanted} wanted, ${waiting} jobs waiting`;
  });
  const why = new Map<string, number>();
  for (const { label, reason } of refusals) why.set(`${label} ${reason}`, (why.get(`${label} ${reason}`) ?? 0) + 1);
  const refused = [...why].map(([what, count]) => (count === 1 ? what : `${what} in ${count} providers`));
  return [
    `  ${timeOf(at)}${span}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}: ${asked.join('; ') || 'nothing wanted'}`,
    ...(refused.length === 0 ? [] : [`    refused: ${refused.join(', ')}`]),
  ];
}

function timeOf(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

function ago(then: number, at: number): string {
  return `${shortAge(Math.max(0, (at - then) / 1000))} ago`;
}

function inTime(then: number, at: number): string {
  return then <= at ? 'now' : `in ${shortAge((then - at) / 1000)}`;
}
