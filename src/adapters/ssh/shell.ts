import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ParsedKey } from 'ssh2';

import { Fault } from '../../domain/fault.js';
import type { ShellLogin, ShellPort } from '../../ports/shell.js';
import { attemptLogin } from './attempt.js';
import { CallsInHand } from './calls-in-hand.js';
import { addressOf, connectTo } from './connection.js';
import { doJob } from './job.js';
import { readPrivateKey } from './private-key.js';

/** A black-holed address must not hold one attempt to the end of the whole check (lesson 124). */
const ATTEMPT_MS = 10_000;
/** Most machines answer soon after they are ACTIVE; a refused attempt costs next to nothing. */
const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 3_000;
const PAUSE_GROWTH = 1.5;

/**
 * SSH from this thread. Tries until the deadline: after ACTIVE a machine first refuses, then accepts and says nothing,
 * then knows no user (lessons 121 to 123). Only a broken key file and another host key end a check at once: time mends
 * neither.
 */
export function openShell(): ShellPort {
  const calls = new CallsInHand();
  return {
    check(login, call) {
      const endMs = performance.now() + call.deadlineMs;
      return calls.run(call.signal, async stop => {
        const { files = [] } = call;
        const attempt = (key: ParsedKey, timeoutMs: number) => attemptLogin(login, key, { timeoutMs, stop, files });
        const { value, attempts } = await untilLoggedIn(login, { endMs, stop }, attempt);
        return { ...value, attempts };
      });
    },
    work(login, job, call) {
      const endMs = performance.now() + call.loginDeadlineMs;
      return calls.run(call.signal, async stop => {
        const attempt = (key: ParsedKey, loginMs: number) =>
          connectTo(login, key, { loginMs, workMs: call.deadlineMs, stop });
        const { value } = await untilLoggedIn(login, { endMs, stop }, attempt);
        return doJob(value, login, job);
      });
    },
    close: () => calls.end(),
  };
}

/** Attempts one after the other until one comes to something, or until the deadline. */
async function untilLoggedIn<T extends object>(
  login: ShellLogin,
  bounds: { readonly endMs: number; readonly stop: AbortSignal },
  attempt: (key: ParsedKey, timeoutMs: number) => Promise<T | Fault>,
): Promise<{ readonly value: T; readonly attempts: number }> {
  const { endMs, stop } = bounds;
  const key = await readPrivateKey(login.privateKeyFile);
  let pauseMs = PAUSE_FIRST_MS;
  let found: Fault | null = null;
  for (let attempts = 1; ; attempts++) {
    if (stop.aborted) throw new Fault('ssh.timeout', `${addressOf(login)}: it was no longer wanted`);
    const timeoutMs = Math.max(1, Math.min(ATTEMPT_MS, endMs - performance.now()));
    const outcome = await attempt(key, timeoutMs);
    if (!(outcome instanceof Fault)) return { value: outcome, attempts };
    if (outcome.retry === 'never') throw outcome;
    // An attempt that the deadline cut short says nothing that the one before did not.
    const isCutShort = outcome.kind === 'ssh.timeout' && timeoutMs < ATTEMPT_MS;
    if (found === null || !isCutShort) found = outcome;
    const restMs = Math.max(0, endMs - performance.now());
    await sleep(Math.min(pauseMs, restMs), undefined, { signal: stop }).catch(() => undefined);
    // Decided by the pause, not by the clock after it: timers fire a little early, and an attempt of one millisecond
    // would only hide what the last one found.
    if (restMs <= pauseMs && !stop.aborted) {
      throw new Fault(found.kind, `${found.message} (${attempts} attempts)`, { cause: found });
    }
    pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * PAUSE_GROWTH);
  }
}
