/**
 * What is measured, written once for all systems. Each workload verifies what the actors have done, so that none can be
 * fast by leaving something out; all of them are given the time their process used, not the time on the wall.
 */
import { cpuMs, DelayMeter, median, stopwatch } from './meters.js';
import type { Behaviour, Peer } from './peer.js';

/** The names of the figures are those of the catalogue. */
export type Figures = Readonly<Record<string, number>>;
export type Workload = (peer: Peer<unknown>, count: number) => Promise<Figures>;

export const workloads: Readonly<Record<string, Workload>> = {
  stream: async (peer, count) => ({
    rate: await streamRate(peer, count, (behaviour, makeState) => peer.start(behaviour, makeState)),
  }),
  tell,
  'ping-pong': pingPong,
  ring,
  ask,
  'ask-many': askMany,
  spawn,
  heap,
  stop,
  crash,
  flood,
  'ask-loop': askLoop,
  parent,
};

type Start<R> = (behaviour: Behaviour<null>, makeState: () => null) => Promise<R>;

const none = (): null => null;

/** A producer sends in batches and goes on when the consumer has heard the last of a batch: the queue stays short. */
async function streamRate<R>(peer: Peer<R>, count: number, start: Start<R>): Promise<number> {
  const batch = 100;
  let heard = 0;
  let sum = 0;
  const more = { type: 'more', n: 0 };
  const consumer = await start(message => {
    sum += message.n;
    if (++heard % batch === 0) peer.tell(producer, more);
  }, none);
  let sent = 0;
  const end = ending();
  const producer = await peer.start(() => {
    if (sent === count) end.reached();
    else for (const last = sent + batch; sent < last; sent++) peer.tell(consumer, { type: 'item', n: sent & 1_023 });
  }, none);
  const seconds = stopwatch();
  peer.tell(producer, more);
  await end.promise;
  const rate = count / seconds();
  must(heard === count, `heard ${heard} of ${count}`);
  must(sum === sumOf(count, n => n & 1_023), `a sum of ${sum}`);
  return rate;
}

/** All messages are told before the first is handled. */
async function tell<R>(peer: Peer<R>, count: number): Promise<Figures> {
  let heard = 0;
  let isInOrder = true;
  const end = ending();
  const receiver = await peer.start(message => {
    isInOrder &&= message.n === heard;
    if (++heard === count) end.reached();
  }, none);
  const seconds = stopwatch();
  for (let n = 0; n < count; n++) peer.tell(receiver, { type: 'item', n });
  await end.promise;
  const rate = count / seconds();
  must(isInOrder, 'messages out of order');
  return { rate };
}

interface Player<R> {
  next: R | null;
  heard: number;
}

function pass<R>(peer: Peer<R>, reached: () => void): Behaviour<Player<R>> {
  return ({ n }, state) => {
    state.heard++;
    if (n === 0) reached();
    else if (state.next) peer.tell(state.next, { type: 'ball', n: n - 1 });
  };
}

/** Two actors and one ball; a trip is there and back. */
async function pingPong<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const end = ending();
  const players: Player<R>[] = [
    { next: null, heard: 0 },
    { next: null, heard: 0 },
  ];
  return { rate: (await passRound(peer, players, 2 * count, end)) / 2 };
}

/** A thousand actors and one ball. */
async function ring<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const players = Array.from({ length: 1_000 }, (): Player<R> => ({ next: null, heard: 0 }));
  return { rate: await passRound(peer, players, count, ending()) };
}

async function passRound<R>(peer: Peer<R>, players: Player<R>[], hops: number, end: Ending): Promise<number> {
  const behaviour = pass(peer, end.reached);
  const refs: R[] = [];
  for (const player of players) refs.push(await peer.start(behaviour, () => player));
  players.forEach((player, i) => (player.next = refs[(i + 1) % refs.length] ?? null));
  const seconds = stopwatch();
  const first = refs[0];
  if (first !== undefined) peer.tell(first, { type: 'ball', n: hops - 1 });
  await end.promise;
  const rate = hops / seconds();
  for (const { heard } of players) must(heard === hops / players.length, `one heard ${heard}`);
  return rate;
}

function answering<R>(peer: Peer<R>): Promise<R> {
  return peer.start(message => peer.reply(message, 2 * message.n), none);
}

async function ask<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const asked = await answering(peer);
  const seconds = stopwatch();
  await askInTurn(peer, asked, count);
  return { rate: count / seconds() };
}

async function askInTurn<R>(peer: Peer<R>, asked: R, count: number): Promise<void> {
  let sum = 0;
  for (let n = 0; n < count; n++) sum += peer.valueOf(await peer.ask(asked, n));
  must(sum === count * (count - 1), `answers of ${sum}`);
}

/** All questions are under way at once. */
async function askMany<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const asked = await answering(peer);
  let sum = 0;
  const seconds = stopwatch();
  const asks: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) asks.push(peer.ask(asked, n));
  for (const outcome of await Promise.all(asks)) sum += peer.valueOf(outcome);
  const rate = count / seconds();
  must(sum === count * (count - 1), `answers of ${sum}`);
  return { rate };
}

interface Idle {
  n: number;
}

/** Until each has begun and has heard a first message: an object that was only made is no actor yet. */
async function spawn<R>(peer: Peer<R>, count: number): Promise<Figures> {
  let born = 0;
  let sum = 0;
  let heard = 0;
  const end = ending();
  const behaviour: Behaviour<Idle> = (_message, state) => {
    sum += state.n;
    if (++heard === count) end.reached();
  };
  const seconds = stopwatch();
  const { children } = await peer.family<Idle>(count, behaviour, () => ({ n: born++ }));
  for (const child of children) peer.tell(child, { type: 'first', n: 0 });
  await end.promise;
  const rate = count / seconds();
  must(born === count + 1, `${born} were born`);
  // Numbered from 0 on, and the parent, which heard nothing, is one of them.
  must(sum >= (count * (count - 1)) / 2 && sum <= (count * (count + 1)) / 2, `a sum of ${sum}`);
  return { rate };
}

/** With parent, id, and a state of one number. */
async function heap<R>(peer: Peer<R>, count: number): Promise<Figures> {
  await settle();
  const before = usedHeap();
  let heard = 0;
  const family = await peer.family<Idle>(
    count,
    () => heard++,
    () => ({ n: 0 }),
  );
  await settle();
  const bytes = (usedHeap() - before) / count;
  const last = family.children[count - 1];
  if (last !== undefined) peer.tell(last, { type: 'alive', n: 0 });
  await settle();
  must(heard === 1, 'the last one is not alive');
  return { bytes };
}

/** Each end is watched. Until all ends have been told, the parent's last. */
async function stop<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const family = await peer.family<Idle>(count, ignore, () => ({ n: 0 }));
  let ended = 0;
  let endedBeforeParent = -1;
  const end = ending();
  await peer.watch(family, who => {
    if (who === 'parent') endedBeforeParent = ended;
    else ended++;
    if (ended === count && endedBeforeParent >= 0) end.reached();
  });
  const seconds = stopwatch();
  peer.stop(family);
  await end.promise;
  const rate = count / seconds();
  must(endedBeforeParent === count, `the parent ended after ${endedBeforeParent} of its children`);
  return { rate };
}

interface Fragile {
  heard: number;
}

/** A hundred actors fail at each third message; each new life begins with a new state, and no message is lost. */
async function crash<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const actors = 100;
  const cycles = count / actors;
  let lives = 0;
  let wrong = 0;
  let crashes = 0;
  let finished = 0;
  const end = ending();
  const behaviour: Behaviour<Fragile> = (message, state) => {
    if (message.type === 'last') {
      if (state.heard !== 0) wrong++;
      if (++finished === actors) end.reached();
      return;
    }
    if (message.type === 'step') {
      state.heard++;
      return;
    }
    if (state.heard !== 2) wrong++;
    crashes++;
    throw new Error('told to fail');
  };
  const fragile = await peer.supervised<Fragile>(actors, behaviour, () => {
    lives++;
    return { heard: 0 };
  });
  const livesBefore = lives;
  const send = (type: string): void => {
    for (let i = 0; i < actors; i++) peer.tell(fragile[i] as R, { type, n: 0 });
  };
  const seconds = stopwatch();
  for (let cycle = 0; cycle < cycles; cycle++) for (const type of ['step', 'step', 'fail']) send(type);
  send('last');
  await end.promise;
  const rate = count / seconds();
  must(crashes === count && wrong === 0, `${crashes} crashes, ${wrong} with a wrong state`);
  must(lives - livesBefore === count, `${lives - livesBefore} new lives`);
  return { rate };
}

/** An actor with ten thousand messages waiting all the time, each of which sends it another one. */
async function flood<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const waiting = 10_000;
  let left = count - waiting;
  let heard = 0;
  const end = ending();
  const flooded = await peer.start<null>(() => {
    if (left-- > 0) peer.tell(flooded, { type: 'drop', n: left });
    if (++heard === count) end.reached();
  }, none);
  let worstOtherMs = Number.NEGATIVE_INFINITY;
  let isAsked = false;
  const other = await peer.start<null>(({ n }) => {
    worstOtherMs = Math.max(worstOtherMs, cpuMs() - n);
    isAsked = false;
  }, none);
  const seconds = stopwatch();
  for (let n = 0; n < waiting; n++) peer.tell(flooded, { type: 'drop', n });
  // Not before: no timer can come during this loop, whatever the system.
  const meter = new DelayMeter(() => {
    if (isAsked) return;
    isAsked = true;
    peer.tell(other, { type: 'poke', n: cpuMs() });
  });
  await end.promise;
  const rate = count / seconds();
  await meter.end();
  await until(() => !isAsked);
  must(heard === count, `heard ${heard} of ${count}`);
  // Where no timer came in time, nobody was told to ask the other one.
  return { rate, timerMs: meter.worstMs, ...(worstOtherMs >= 0 ? { otherMs: worstOtherMs } : {}) };
}

async function askLoop<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const asked = await answering(peer);
  const meter = new DelayMeter();
  const seconds = stopwatch();
  await askInTurn(peer, asked, count);
  const rate = count / seconds();
  await meter.end();
  return { rate, timerMs: meter.worstMs };
}

/** A stream to the parent of a thousand against a stream to one without children, in turn. */
async function parent<R>(peer: Peer<R>, count: number): Promise<Figures> {
  const against = async (children: number): Promise<number> =>
    streamRate(peer, count, async (behaviour, makeState) => (await peer.family(children, behaviour, makeState)).parent);
  const rates: { readonly with: number[]; readonly without: number[] } = { with: [], without: [] };
  await against(0);
  for (let i = 0; i < 5; i++) {
    rates.without.push(await against(0));
    rates.with.push(await against(1_000));
  }
  return { ratio: median(rates.with) / median(rates.without) };
}

// ── What they share ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Ending {
  readonly promise: Promise<void>;
  readonly reached: () => void;
}

function ending(): Ending {
  let reached!: () => void;
  const promise = new Promise<void>(resolve => (reached = resolve));
  return { promise, reached };
}

function must(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(`verification failed: ${otherwise}`);
}

function sumOf(count: number, of: (n: number) => number): number {
  let sum = 0;
  for (let n = 0; n < count; n++) sum += of(n);
  return sum;
}

function ignore(): void {
  // An idle actor is told nothing.
}

function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('to be run with --expose-gc');
  globalThis.gc();
}

function usedHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const turnOfTheLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await turnOfTheLoop();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turnOfTheLoop();
}
