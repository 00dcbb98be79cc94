import { Fault } from '../../domain/fault.js';
import type { CiCall } from '../../ports/ci.js';

/** Runs under a signal whose reason is a `Fault`: after the deadline of the call, or when the caller gives up. */
export async function withDeadline<Result>(
  host: string,
  call: CiCall,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const giveUp = (): void => controller.abort(new Fault('jenkins.timeout', `${host}: the caller gave up`));
  const timer = setTimeout(() => {
    controller.abort(new Fault('jenkins.timeout', `${host} did not answer within ${call.deadlineMs} ms`));
  }, call.deadlineMs);
  call.signal?.addEventListener('abort', giveUp);
  if (call.signal?.aborted === true) giveUp();
  try {
    controller.signal.throwIfAborted();
    return await run(controller.signal);
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', giveUp);
  }
}
