/** Machines that answer, or do not, to SSH: in the time of the clock that is given. */
import { setMaxListeners } from 'node:events';
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import type { ShellCheck, ShellFile, ShellJob, ShellLogin, ShellPort, ShellResult } from '../../src/ports/shell.js';
import { systemClock, type Clock } from '../../src/runtime/clock.js';

export interface FakeShellOptions {
  readonly clock?: Pick<Clock, 'now' | 'after'>;
  /** Of each attempt. */
  readonly latencyMs?: number;
  /** What a machine does at this moment: null lets in, a fault kind refuses. Asked once for each attempt. */
  readonly answer?: (login: ShellLogin, nowMs: number) => FaultKind | null;
  readonly hostKeyOf?: (host: string) => string;
  /** How a job ends, once the login is let in; by default it is done at once, without a word. */
  readonly job?: (job: ShellJob, login: ShellLogin, nowMs: number) => JobEnding;
}

/** What is not said is as of a command that does its work. */
export interface JobEnding extends Partial<Omit<ShellResult, 'hostKey'>> {
  readonly tookMs?: number;
  /** The connection breaks in the middle of it. */
  readonly fault?: FaultKind;
}

const PAUSE_MS = 1_000;

export class FakeShell implements ShellPort {
  latencyMs: number;
  answer: (login: ShellLogin, nowMs: number) => FaultKind | null;
  readonly checks: { readonly login: ShellLogin; readonly atMs: number }[] = [];
  readonly jobs: { readonly login: ShellLogin; readonly job: ShellJob }[] = [];
  job: (job: ShellJob, login: ShellLogin, nowMs: number) => JobEnding;
  isClosed = false;

  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #hostKeyOf: (host: string) => string;
  readonly #next: (Fault | 'hang')[] = [];
  readonly #closing = unlimited(new AbortController());

  constructor(options: FakeShellOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.latencyMs = options.latencyMs ?? 0;
    this.answer = options.answer ?? (() => null);
    this.job = options.job ?? (() => ({}));
    this.#hostKeyOf = options.hostKeyOf ?? (host => `ssh-ed25519 ${Buffer.from(host).toString('base64')}`);
  }

  /** The next check ends with this, whatever the machine would answer. */
  next(...outcomes: (Fault | 'hang')[]): void {
    this.#next.push(...outcomes);
  }

  async check(
    login: ShellLogin,
    call: { readonly deadlineMs: number; readonly signal?: AbortSignal; readonly files?: readonly ShellFile[] },
  ): Promise<ShellCheck> {
    const startMs = this.#clock.now();
    this.checks.push({ login, atMs: startMs });
    const outcome = this.#next.shift();
    if (outcome === 'hang') {
      await this.#pass(call.deadlineMs, call.signal);
      throw new Fault('ssh.timeout', `${login.host}: no answer within ${call.deadlineMs} ms`);
    }
    if (outcome !== undefined) throw new Fault(outcome.kind, outcome.message, { cause: outcome });
    const check = await this.#try(login, startMs + call.deadlineMs, call.signal);
    const { files = [] } = call;
    if (files.length === 0) return { ...check, notWritten: null };
    const job = { files, directory: null, command: null, logFile: null };
    this.jobs.push({ login, job });
    const { fault } = this.job(job, login, this.#clock.now());
    return { ...check, notWritten: fault === undefined ? null : `${login.username}@${login.host}: ${fault}` };
  }

  async work(
    login: ShellLogin,
    job: ShellJob,
    call: { readonly loginDeadlineMs: number; readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<ShellResult> {
    const { hostKey } = await this.#try(login, this.#clock.now() + call.loginDeadlineMs, call.signal);
    this.jobs.push({ login, job });
    const { tookMs = 0, fault, ...ending } = this.job(job, login, this.#clock.now());
    await this.#pass(Math.min(tookMs, call.deadlineMs), call.signal);
    const where = `${login.username}@${login.host}`;
    if (tookMs > call.deadlineMs) throw new Fault('ssh.timeout', `${where}: not done within ${call.deadlineMs} ms`);
    if (fault !== undefined) throw new Fault(fault, `${where}: ${fault}`);
    return { hostKey, exitCode: 0, signal: null, output: '', droppedBytes: 0, ...ending };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.#closing.abort();
  }

  async #try(
    login: ShellLogin,
    endMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Omit<ShellCheck, 'notWritten'>> {
    for (let attempts = 1; ; attempts++) {
      await this.#pass(this.latencyMs, signal);
      const kind = this.answer(login, this.#clock.now()) ?? this.#hostKeyFault(login);
      if (kind === null) return { hostKey: this.#hostKeyOf(login.host), attempts };
      const fault = new Fault(kind, `${login.username}@${login.host}: ${kind} (${attempts} attempts)`);
      if (fault.retry === 'never') throw fault;
      await this.#pass(Math.max(0, Math.min(PAUSE_MS, endMs - this.#clock.now())), signal);
      if (this.#clock.now() >= endMs) throw fault;
    }
  }

  #hostKeyFault(login: ShellLogin): FaultKind | null {
    return login.hostKey !== null && login.hostKey !== this.#hostKeyOf(login.host) ? 'ssh.host-key' : null;
  }

  /** Also where a check is called off. */
  async #pass(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const signals = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    const aborted = (): Fault => new Fault('ssh.timeout', 'the check was no longer wanted');
    if (signals.some(one => one.aborted)) throw aborted();
    if (ms === 0) return;
    let onAbort = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const cancel = this.#clock.after(ms, resolve);
        onAbort = () => {
          cancel();
          reject(aborted());
        };
        for (const one of signals) one.addEventListener('abort', onAbort, { once: true });
      });
    } finally {
      for (const one of signals) one.removeEventListener('abort', onAbort);
    }
  }
}

/** As many checks at once as there are may wait for it. */
function unlimited(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal);
  return controller;
}
