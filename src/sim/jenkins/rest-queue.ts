import { json, type Reply } from '../http/reply.js';
import type { Timers } from '../timers.js';
import type { Build, BuildOrder } from './builds.js';
import type { Computer } from './computer.js';
import { notFound } from './pages.js';
import type { MasterSettings, Profile } from './settings.js';

/** A build asked for over HTTP, waiting for its quiet period and then for its node. */
interface Item {
  readonly id: number;
  readonly job: string;
  readonly parameters: Readonly<Record<string, string>>;
  isQuiet: boolean;
  build: Build | null;
}

interface RestQueueParts {
  readonly profile: Profile;
  readonly settings: MasterSettings;
  readonly timers: Timers;
  readonly rootUrl: () => string;
  readonly computer: (name: string) => Computer | null;
  readonly start: (computer: Computer, order: BuildOrder) => Build;
}

/** What Jenkins waits before it starts a build, unless the caller says otherwise. */
const quietPeriodMs = 5_000;
/** How long an item can be asked for after it has left the queue. */
const memoryMs = 300_000;

/** Parameters of `buildWithParameters` that are Jenkins' own. */
const reserved = new Set(['delay', 'token', 'cause', 'json']);

/** A master's queue of builds that were started over HTTP, such as test jobs: each runs on the node its NODE names. */
export class RestQueue {
  readonly #parts: RestQueueParts;
  readonly #items = new Map<number, Item>();
  #lastId = 0;

  constructor(parts: RestQueueParts) {
    this.#parts = parts;
  }

  add(job: string, fields: URLSearchParams): Reply {
    const parameters = Object.fromEntries([...fields].filter(([name]) => !reserved.has(name)));
    const same = [...this.#items.values()].find(item => !item.build && item.job === job && isSame(item, parameters));
    const id = same?.id ?? this.#enqueue({ job, parameters, delayMs: this.#delayMs(fields.get('delay')) });
    const location = `${this.#parts.rootUrl()}queue/item/${id}/`;
    return { status: same && this.#parts.profile === 'new' ? 303 : 201, headers: { location }, body: '' };
  }

  item(id: number): Reply {
    const item = this.#items.get(id);
    if (!item) return notFound().reply;
    const { build } = item;
    const task = { name: item.job, url: `${this.#parts.rootUrl()}job/${item.job}/` };
    if (!build) {
      return json(200, { id, blocked: false, buildable: !item.isQuiet, stuck: false, task, why: whyWaiting(item) });
    }
    const executable = { number: build.number, url: `${task.url}${build.number}/` };
    return json(200, { id, blocked: false, buildable: false, stuck: false, task, why: null, executable });
  }

  /** Builds that were asked for, and have not started. */
  waiting(): { readonly job: string; readonly parameters: Readonly<Record<string, string>> }[] {
    return [...this.#items.values()].filter(item => !item.build).map(({ job, parameters }) => ({ job, parameters }));
  }

  /** Looks again whether a waiting item can start. */
  maintain(): void {
    for (const item of this.#items.values()) {
      const computer = this.#parts.computer(item.parameters['NODE'] ?? '');
      if (item.build || item.isQuiet || !computer?.isAvailable) continue;
      item.build = this.#parts.start(computer, {
        job: item.job,
        ...this.#parts.settings.restBuilds,
        parameters: item.parameters,
        offlineWhenComplete: false,
        finished: () => {},
      });
      this.#parts.timers.after(memoryMs, () => this.#items.delete(item.id));
    }
  }

  #enqueue(order: { job: string; parameters: Record<string, string>; delayMs: number }): number {
    const { job, parameters, delayMs } = order;
    const item: Item = { id: ++this.#lastId, job, parameters, isQuiet: true, build: null };
    this.#items.set(item.id, item);
    this.#parts.timers.after(delayMs, () => {
      item.isQuiet = false;
      this.maintain();
    });
    return item.id;
  }

  /** A bare number is seconds for an old master and milliseconds for a new one. */
  #delayMs(text: string | null): number {
    const found = /^(\d+)\s*(sec|ms)?/.exec(text ?? '');
    if (!found) return quietPeriodMs;
    const unit = found[2] ?? (this.#parts.profile === 'old' ? 'sec' : 'ms');
    return Number(found[1]) * (unit === 'ms' ? 1 : 1000);
  }
}

function isSame(item: Item, parameters: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(item.parameters) === JSON.stringify(parameters);
}

function whyWaiting(item: Item): string {
  if (item.isQuiet) return 'In the quiet period. Expires soon';
  return `Waiting for next available executor on ${item.parameters['NODE'] ?? 'any node'}`;
}
