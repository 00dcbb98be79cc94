/**
 * The bare limit that the others are measured against: an array ring for each receiver, one run queue, drained in a
 * microtask by a direct call. No tree, no bound, no deadline, no fairness. It shares no code with the runtime, so that a
 * change there does not move the measure.
 */
import { births, type Behaviour, type Family, type Member, type Message, type Peer, type System } from '../peer.js';

class Ring<T> {
  slots: (T | undefined)[];
  head = 0;
  length = 0;

  constructor(capacity: number) {
    this.slots = new Array<T | undefined>(capacity);
  }

  push(item: T): void {
    if (this.length === this.slots.length) this.grow();
    this.slots[(this.head + this.length) & (this.slots.length - 1)] = item;
    this.length++;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.length--;
    return item;
  }

  grow(): void {
    const wider = new Array<T | undefined>(this.slots.length * 2);
    for (let i = 0; i < this.length; i++) wider[i] = this.slots[(this.head + i) & (this.slots.length - 1)];
    this.slots = wider;
    this.head = 0;
  }
}

type Question = Message & { readonly resolve: (value: number) => void };

class Cell {
  mailbox: Ring<Message> | null = null;
  isQueued = false;
  isStopped = false;
  state: unknown;
  ended: ((who: Member) => void) | null = null;
  readonly behaviour: Behaviour<unknown>;
  readonly makeState: () => unknown;

  constructor(behaviour: Behaviour<unknown>, makeState: () => unknown) {
    this.behaviour = behaviour;
    this.makeState = makeState;
    this.state = makeState();
  }

  tell(message: Message): void {
    if (this.isStopped) return;
    this.mailbox ??= new Ring(8);
    this.mailbox.push(message);
    if (this.isQueued) return;
    this.isQueued = true;
    runQueue.push(this);
    if (isArmed) return;
    isArmed = true;
    void resolved.then(drain);
  }

  turn(): void {
    this.isQueued = false;
    const mailbox = this.mailbox;
    if (!mailbox) return;
    try {
      for (let next = mailbox.shift(); next; next = mailbox.shift()) this.behaviour(next, this.state);
    } catch {
      this.state = this.makeState();
      if (mailbox.length > 0 && !this.isQueued) {
        this.isQueued = true;
        runQueue.push(this);
      }
    }
  }

  end(who: Member): void {
    this.isStopped = true;
    this.mailbox = null;
    this.state = undefined;
    this.ended?.(who);
  }
}

const runQueue = new Ring<Cell>(64);
let isArmed = false;
/** A microtask for 55 ns, where `queueMicrotask` costs 140. */
const resolved = Promise.resolve();

function drain(): void {
  for (let next = runQueue.shift(); next; next = runQueue.shift()) next.turn();
  isArmed = false;
}

const peer: Peer<Cell> = {
  start: <S>(behaviour: Behaviour<S>, makeState: () => S) =>
    Promise.resolve(new Cell(behaviour as Behaviour<unknown>, makeState)),
  async family<S>(count: number, behaviour: Behaviour<S>, makeState: () => S): Promise<Family<Cell>> {
    const { make, all } = births(count + 1, makeState);
    const parent = new Cell(behaviour as Behaviour<unknown>, make);
    const children: Cell[] = [];
    for (let i = 0; i < count; i++) children.push(new Cell(behaviour as Behaviour<unknown>, make));
    await all;
    return { parent, children };
  },
  supervised: async (count, behaviour, makeState) => (await peer.family(count, behaviour, makeState)).children,
  tell: (to, message) => to.tell(message),
  ask: (to, n) =>
    new Promise<number>(resolve => {
      const question: Question = { type: 'question', n, resolve };
      to.tell(question);
    }),
  valueOf: outcome => outcome as number,
  reply: (question, value) => (question as Question).resolve(value),
  watch({ parent, children }, ended) {
    parent.ended = ended;
    for (const child of children) child.ended = ended;
    return Promise.resolve();
  },
  stop({ parent, children }) {
    for (const child of children) child.end('child');
    parent.end('parent');
  },
  close: () => Promise.resolve(),
};

export const system: System = { isSlow: false, cannot: {}, open: () => Promise.resolve(peer as Peer<unknown>) };
