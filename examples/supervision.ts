/**
 * A child that fails begins a new life, later each time, and its mailbox waits for it. When its budget is spent it is
 * parked, and tried again later. Time stands still here and is moved by hand, so it takes none. Run it with
 * `npx tsx examples/supervision.ts`:
 *
 *          0 ms  prints page 1
 *          0 ms  /printer failed: Error: paper jam
 *        100 ms  a new life; page 2 is given up
 *        100 ms  prints page 3
 *        100 ms  /printer failed: Error: paper jam
 *        300 ms  a new life; page 4 is given up
 *        300 ms  /printer failed: Error: paper jam
 *        300 ms  /printer is parked
 *      60300 ms  a new life; page 5 is given up
 *      60300 ms  prints page 6
 *      70000 ms  3 restarts, 3 pages printed, 0 waiting
 */
import { address, type Actor, type Supervision } from '../src/runtime/actor.js';
import { ManualClock } from '../src/runtime/manual-clock.js';
import { ActorSystem, type RuntimeEvent } from '../src/runtime/system.js';

interface Page {
  readonly number: number;
  readonly jams?: boolean;
}

const clock = new ManualClock(0);
const say = (text: string): void => console.log(`${String(clock.now()).padStart(6)} ms  ${text}`);
const anyPrinter = address<Page>('printer', 'any');

const printer: Actor<Page, null, null> = {
  kind: 'printer',
  // Builds the state of each life. What must survive lies in a database, and is read here.
  init(ctx) {
    ctx.register(anyPrinter);
    return null;
  },
  handle(page) {
    if (page.jams) throw new Error('paper jam');
    say(`prints page ${page.number}`);
  },
  onRestart: ({ inHand }) => say(`a new life; page ${inHand?.number} is given up`),
};

/** How the office keeps its printer alive: two failures in ten seconds are borne, each with twice the delay. */
const kept: Partial<Supervision> = {
  budget: { restarts: 2, withinMs: 10_000 },
  backoff: { minMs: 100, maxMs: 5_000, factor: 2, jitter: 0 },
  exhausted: 'park',
  retryParkedMs: 60_000,
};

const office: Actor<never, null, null> = {
  kind: 'office',
  init(ctx) {
    ctx.spawn(printer, 'printer', null, kept);
    return null;
  },
  handle: () => undefined,
};

function report(event: RuntimeEvent): void {
  if (event.type === 'failed') say(`${event.path} failed: ${String(event.error)}`);
  if (event.type === 'parked') say(`${event.path} is parked`);
}

const system = new ActorSystem({ clock, report });
clock.isBusy = () => !system.scheduler.isIdle;
system.start(office, null);
await clock.settle();

for (const number of [1, 2, 3, 4, 5, 6]) {
  system.tell(anyPrinter, { number, jams: [2, 4, 5].includes(number) });
}
await clock.advance(70_000);

const seen = system.inspect('/printer');
say(`${seen?.restarts} restarts, ${seen?.handled} pages printed, ${seen?.mailbox} waiting`);
void system.stop(1_000);
await clock.settle();
