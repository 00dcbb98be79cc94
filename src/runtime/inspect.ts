import type { Description } from './actor.js';
import type { Cell } from './cell.js';
import { errorText } from './failing.js';

/** What can be seen of one actor and those beneath it. Made when somebody looks; costs nothing otherwise. */
export interface ActorView {
  readonly path: string;
  readonly kind: string;
  readonly state: string;
  readonly mailbox: number;
  readonly highWater: number;
  /** Age of the message that has waited longest. */
  readonly oldestSeconds: number | null;
  readonly handled: number;
  readonly restarts: number;
  readonly failure: { readonly message: string; readonly at: number; readonly count: number } | null;
  readonly task: { readonly name: string; readonly ageSeconds: number } | null;
  readonly connection: { readonly state: 'held' | 'waiting'; readonly ageSeconds: number } | null;
  readonly children: readonly ActorView[];
}

/** Not by recursion: a tree may be deeper than the stack. */
export function viewOf(cell: Cell): ActorView {
  const root = viewAlone(cell, cell.path);
  const open = [{ cell, view: root }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { view } = next;
    const prefix = view.path === '/' ? '/' : `${view.path}/`;
    for (const child of next.cell.children) {
      const childView = viewAlone(child, prefix + child.name);
      view.children.push(childView);
      open.push({ cell: child, view: childView });
    }
  }
  return root;
}

function viewAlone(cell: Cell, path: string): ActorView & { readonly children: ActorView[] } {
  const { clock } = cell.system;
  const now = clock.now();
  const description = describe(cell);
  const task = cell.oldestTask;
  const failure = cell.extra?.lastFailure;
  const oldestAt = cell.mailboxLength > 0 ? cell.mailbox?.oldestAt : undefined;
  return {
    path,
    kind: cell.kind.actor.kind,
    state: description.state,
    mailbox: cell.mailboxLength,
    highWater: cell.highWater,
    oldestSeconds: oldestAt === undefined ? null : secondsSince(oldestAt, clock.monotonic()),
    handled: cell.handled,
    restarts: cell.restarts,
    failure: failure ? { message: errorText(failure.error), at: failure.at, count: failure.count } : null,
    task: task ? { name: task.name, ageSeconds: secondsSince(task.since, now) } : null,
    connection: description.connection
      ? { state: description.connection.state, ageSeconds: secondsSince(description.connection.since, now) }
      : null,
    children: [],
  };
}

/** An actor that cannot describe itself must not take the view of all the others with it. */
function describe(cell: Cell): Description {
  try {
    return cell.describe();
  } catch (error) {
    return { state: `cannot be described: ${errorText(error)}` };
  }
}

function secondsSince(then: number, now: number): number {
  return Math.max(0, Math.round((now - then) / 100) / 10);
}
