/** `inspect` shows one actor in full; of a node also what its row tells, what its machine said last, and its story. */
import type { Command } from 'commander';
import type { ControlClient } from '../http/client.js';
import type { NodeDetail, NodeStoryView, TreeView } from '../ports/control.js';
import type { CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { printData, printNames } from './listing.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';
import { storyLines } from './story-lines.js';
import { findActor } from './tree.js';
import { shortAge } from './tree-drawing.js';

export const inspectCommand: CliCommand = {
  name: 'inspect',
  register(program, session) {
    program
      .command('inspect')
      .description('show one actor in full')
      .argument('<path>', 'the actor, as tree shows it')
      .action(async (path: string, _options, command: Command) => {
        const options = globalOptions(command);
        const [actor, found] = await withDaemon(session, options, async daemon => {
          return [await findActor(daemon, path), await nodeAt(path, daemon)] as const;
        });
        if (options.output === 'json' || options.output === 'yaml') {
          printData(session, options.output, { ...actor, ...found });
        } else if (options.output === 'name') {
          printNames(session, [actor.path]);
        } else {
          session.out.write(describeActor(actor, found, session.now()));
        }
      });
  },
};

/** Null: the path is not a node's, or nothing is known of it. */
async function nodeAt(path: string, daemon: ControlClient): Promise<NodeStoryView | null> {
  const id = /^\/providers\/[^/]+\/nodes\/(\d+)$/.exec(path)?.[1];
  return id === undefined ? null : daemon.node(Number(id));
}

function describeActor(actor: TreeView, found: NodeStoryView | null, now: number): string {
  const { failure, task, connection, children } = actor;
  const rows: readonly (readonly [string, string])[] = [
    ['path', actor.path],
    ['kind', actor.kind],
    ['state', actor.state],
    ['mailbox', `${actor.mailbox}, at most ${actor.highWater}`],
    ['handled', String(actor.handled)],
    ['restarts', String(actor.restarts)],
    ['task', task === null ? 'none' : `${task.name}, for ${shortAge(task.ageSeconds)}`],
    ['connection', connection === null ? 'none' : `${connection.state}, for ${shortAge(connection.ageSeconds)}`],
    ['last failure', failure === null ? 'none' : failure.message],
    ...(failure === null ? [] : failureRows(failure)),
    ['children', children.length === 0 ? 'none' : String(children.length)],
    ...children.map(child => ['', `${child.path}  ${child.state}`] as const),
    ...(found?.node == null ? [] : nodeRows(found.node)),
    ...storyLines(found?.story ?? [], now).map((line, index) => [index === 0 ? 'story' : '', line] as const),
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)}${plainText(value)}`.trimEnd() + '\n').join('');
}

function failureRows(failure: { readonly at: number; readonly count: number }): (readonly [string, string])[] {
  return [
    ['failed at', new Date(failure.at).toISOString()],
    ['failures', String(failure.count)],
  ];
}

function nodeRows(node: NodeDetail): readonly (readonly [string, string])[] {
  const facts: readonly (readonly [string, string | null])[] = [
    ['node', `${node.id}, ${node.label}, ${node.state}${node.step === null ? '' : ` ${node.step}`}`],
    ['step since', timeOf(node.stepAt)],
    ['server', node.serverId],
    ['address', node.ip],
    ['job started', timeOf(node.jobStartedAt)],
    ['job ended', timeOf(node.jobEndedAt)],
    ['reason', node.reason],
    ['last error', node.lastError !== null && node.reason?.startsWith(node.lastError) === true ? null : node.lastError],
  ];
  const known = facts.flatMap(([name, value]) => (value === null ? [] : linesOf(name, value)));
  return [...known, ...(node.console === null ? [] : linesOf('console', node.console))];
}

/** What has several lines keeps them. */
function linesOf(name: string, text: string): (readonly [string, string])[] {
  return text.split('\n').map((line, index) => [index === 0 ? name : '', line] as const);
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
