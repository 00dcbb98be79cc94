/**
 * Where lines end up. Each is written at once: the last lines before a crash are those that matter, and there are few.
 * A sink that cannot be written to says so once on standard error, and is tried again with each line; the daemon goes on.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TextSink } from '../context.js';
import { strftime } from './format.js';
import type { LogLevel, SinkPlan, TimedWhen } from './plan.js';

export interface Sink {
  write(line: string, level: LogLevel): void;
  /** Somebody may have moved the file away. */
  reopen(): void;
  close(): void;
}

export interface SinkSurroundings {
  readonly out: TextSink;
  readonly err: TextSink;
  readonly now: () => number;
}

export function openSink(plan: SinkPlan, around: SinkSurroundings): Sink {
  switch (plan.kind) {
    case 'stream':
      return streamSink(plan.to === 'stdout' ? around.out : around.err);
    case 'file':
      return careful(new FileSink(plan.path), plan.path, around);
    case 'watched':
      return careful(new WatchedSink(plan.path), plan.path, around);
    case 'rotating':
      return careful(new RotatingSink(plan), plan.path, around);
    case 'timed':
      return careful(new TimedSink(plan, around.now), plan.path, around);
    case 'syslog':
      return typeof plan.address === 'string'
        ? careful(new LocalSyslogSink(plan.address, plan.facility, around.err), plan.address, around)
        : new UdpSyslogSink(plan.address, plan.facility);
    case 'nowhere':
      return streamSink({ write: () => true });
  }
}

function streamSink(stream: TextSink): Sink {
  return { write: line => void stream.write(line), reopen: () => undefined, close: () => undefined };
}

/** The log must not end what it tells of. Only a start fails where there is no place to write to. */
function careful(sink: Sink, place: string, { err }: SinkSurroundings): Sink {
  sink.reopen();
  let isBroken = false;
  const attempt = (work: () => void): void => {
    try {
      work();
      isBroken = false;
    } catch (error) {
      if (!isBroken) err.write(`nodepoold: the log cannot be written to ${place}: ${String(error)}\n`);
      isBroken = true;
    }
  };
  return {
    write: (line, level) => attempt(() => sink.write(line, level)),
    reopen: () => attempt(() => sink.reopen()),
    close: () => attempt(() => sink.close()),
  };
}

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────

class FileSink implements Sink {
  readonly path: string;
  #file: number | null = null;

  constructor(path: string) {
    this.path = path;
  }

  write(line: string): void {
    this.ready(Buffer.byteLength(line));
    writeSync(this.open(), line);
  }

  /** At once, so that a file that cannot be opened is told of now. */
  reopen(): void {
    this.close();
    this.open();
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  /** Before each line: how many bytes it has. */
  protected ready(bytes: number): void {
    void bytes;
  }

  protected open(): number {
    if (this.#file !== null) return this.#file;
    mkdirSync(dirname(this.path), { recursive: true });
    this.#file = openSync(this.path, 'a', 0o640);
    return this.#file;
  }
}

class WatchedSink extends FileSink {
  protected override ready(): void {
    const open = fstatSync(this.open());
    const there = statSync(this.path, { throwIfNoEntry: false });
    if (there?.ino !== open.ino || there.dev !== open.dev) this.close();
  }
}

class RotatingSink extends FileSink {
  readonly #maxBytes: number;
  readonly #backups: number;

  constructor({ path, maxBytes, backups }: Extract<SinkPlan, { kind: 'rotating' }>) {
    super(path);
    this.#maxBytes = maxBytes;
    this.#backups = backups;
  }

  /** As in Python: without a size, or without backups, nothing is ever rotated. */
  protected override ready(bytes: number): void {
    if (this.#maxBytes === 0 || this.#backups === 0) return;
    const { size } = fstatSync(this.open());
    if (size === 0 || size + bytes <= this.#maxBytes) return;
    this.close();
    for (let number = this.#backups; number > 0; number--) {
      moveIfThere(number === 1 ? this.path : `${this.path}.${number - 1}`, `${this.path}.${number}`);
    }
  }
}

class TimedSink extends FileSink {
  readonly #plan: Extract<SinkPlan, { kind: 'timed' }>;
  readonly #now: () => number;
  #nextAt: number | null = null;

  constructor(plan: Extract<SinkPlan, { kind: 'timed' }>, now: () => number) {
    super(plan.path);
    this.#plan = plan;
    this.#now = now;
  }

  protected override ready(): void {
    const { isUtc, when, backups } = this.#plan;
    // Counted from the last line of an earlier run.
    const there = statSync(this.path, { throwIfNoEntry: false });
    this.#nextAt ??= nextRotation(there ? there.mtimeMs : this.#now(), this.#plan);
    if (this.#now() < this.#nextAt) return;
    const began = this.#nextAt - lengthOf(this.#plan);
    this.close();
    moveIfThere(this.path, `${this.path}.${strftime(suffixOf(when), new Date(began), isUtc)}`);
    if (backups > 0) this.#removeOld(backups);
    this.#nextAt = nextRotation(this.#now(), this.#plan);
  }

  #removeOld(backups: number): void {
    const [folder, name] = [dirname(this.path), basename(this.path)];
    const old = readdirSync(folder)
      .filter(
        each =>
          each.startsWith(`${name}.`) && /^\d{4}-\d\d-\d\d(_\d\d(-\d\d){0,2})?$/.test(each.slice(name.length + 1)),
      )
      .sort();
    for (const each of old.slice(0, Math.max(0, old.length - backups))) rmSync(join(folder, each), { force: true });
  }
}

function moveIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false })) renameSync(from, to);
}

interface Rhythm {
  readonly when: TimedWhen;
  readonly interval: number;
  readonly isUtc: boolean;
}

const dayMs = 86_400_000;
const unitMs = { S: 1_000, M: 60_000, H: 3_600_000, D: dayMs } as const;

function lengthOf({ when, interval }: Rhythm): number {
  if (when.startsWith('W')) return 7 * dayMs;
  return when === 'MIDNIGHT' ? dayMs : unitMs[when as keyof typeof unitMs] * interval;
}

/** The rotation after the time: so long after it, or at midnight of the day that is meant. */
export function nextRotation(after: number, rhythm: Rhythm): number {
  const { when, isUtc } = rhythm;
  if (when !== 'MIDNIGHT' && !when.startsWith('W')) return after + lengthOf(rhythm);
  const midnight = new Date(after);
  if (isUtc) midnight.setUTCHours(24, 0, 0, 0);
  else midnight.setHours(24, 0, 0, 0);
  if (when === 'MIDNIGHT') return midnight.getTime();
  // The file is that of the week that ends with the day: rotated at the midnight behind it. Monday is 0.
  const day = isUtc ? midnight.getUTCDay() : midnight.getDay();
  const wanted = (Number(when.slice(1)) + 2) % 7;
  const days = (wanted - day + 7) % 7;
  if (isUtc) midnight.setUTCDate(midnight.getUTCDate() + days);
  else midnight.setDate(midnight.getDate() + days);
  return midnight.getTime();
}

function suffixOf(when: TimedWhen): string {
  const suffixes: Readonly<Partial<Record<TimedWhen, string>>> = {
    S: '%Y-%m-%d_%H-%M-%S',
    M: '%Y-%m-%d_%H-%M',
    H: '%Y-%m-%d_%H',
  };
  return suffixes[when] ?? '%Y-%m-%d';
}

// ── Syslog ───────────────────────────────────────────────────────────────────────────────────────────────────────

const severities: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
const priorityOf = (facility: number, level: LogLevel): string => `<${facility * 8 + severities[level]}>`;

/** Packets that are lost are lost, as with Python's. */
class UdpSyslogSink implements Sink {
  readonly #to: { readonly host: string; readonly port: number };
  readonly #facility: number;
  readonly #socket = createSocket('udp4');

  constructor(to: { readonly host: string; readonly port: number }, facility: number) {
    this.#to = to;
    this.#facility = facility;
    this.#socket.on('error', () => undefined);
    this.#socket.unref();
  }

  write(line: string, level: LogLevel): void {
    const { host, port } = this.#to;
    const packet = `${priorityOf(this.#facility, level)}nodepoold: ${line.trimEnd()}\0`;
    this.#socket.send(packet, port, host, () => undefined);
  }

  reopen(): void {
    return;
  }

  close(): void {
    this.#socket.close();
  }
}

/** Node.js has no datagrams on Unix sockets; `logger`, which every Linux has, passes the lines on. */
class LocalSyslogSink implements Sink {
  readonly #socket: string;
  readonly #facility: number;
  readonly #err: TextSink;
  #logger: ChildProcess | null = null;

  constructor(socket: string, facility: number, err: TextSink) {
    this.#socket = socket;
    this.#facility = facility;
    this.#err = err;
  }

  write(line: string, level: LogLevel): void {
    const priority = priorityOf(this.#facility, level);
    // A line of its own each, or the second one of a stack would be of no priority.
    const lines = line
      .trimEnd()
      .split('\n')
      .map(each => `${priority}${each}\n`);
    this.#running().stdin?.write(lines.join(''));
  }

  reopen(): void {
    this.close();
  }

  close(): void {
    this.#logger?.stdin?.end();
    this.#logger = null;
  }

  #running(): ChildProcess {
    if (this.#logger) return this.#logger;
    const args = ['--prio-prefix', '--tag', 'nodepoold', '--socket', this.#socket];
    const logger = spawn('logger', args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = (error?: Error): void => {
      if (this.#logger === logger) this.#logger = null;
      if (error) this.#err.write(`nodepoold: the log cannot be written to ${this.#socket}: ${error.message}\n`);
    };
    logger.on('error', ended);
    logger.on('exit', () => ended());
    logger.stdin.on('error', () => undefined);
    logger.unref();
    this.#logger = logger;
    return logger;
  }
}
