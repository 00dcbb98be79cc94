/**
 * What runs in a worker thread: it serves one call after the other, many at once. A fault goes back as data, because an
 * error that crosses threads loses its own fields; anything else is a bug and fails the call as it is.
 */
import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';

import { Fault } from '../../domain/fault.js';
import type { CloudPort, UploadOptions } from '../../ports/cloud.js';
import { JenkinsClients } from '../jenkins/question.js';
import { openCloud, type CloudAccess } from '../openstack/cloud.js';
import { openShell } from '../ssh/shell.js';
import type { Call, CloudOp, Progress, Reply, Request } from './request.js';
import { SentServers } from './server-changes.js';

/** A fast disk would send thousands of messages a second, which nobody could look at. */
const PROGRESS_MS = 250;
/** Two: after a change of credentials the calls of the old session end while the new one works. */
const SESSIONS_MAX = 2;

interface Session {
  readonly cloud: CloudPort;
  readonly sent: SentServers;
}

const sessions = new Map<string, Session>();
const shell = openShell();
const masters = new JenkinsClients();

export async function serve(request: Request): Promise<Reply> {
  const { call, deadlineMs, wire } = request;
  const aborter = new AbortController();
  listen(wire, aborter);
  try {
    let toldAt = -Infinity;
    const onProgress = (sentBytes: number, totalBytes: number): void => {
      if (performance.now() - toldAt < PROGRESS_MS && sentBytes < totalBytes) return;
      toldAt = performance.now();
      wire?.postMessage({ sentBytes, totalBytes } satisfies Progress);
    };
    return { ok: true, value: await perform(call, { deadlineMs, signal: aborter.signal, onProgress }) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ok: false, fault: error.toRecord() };
  } finally {
    wire?.close();
  }
}

function listen(wire: MessagePort | null, aborter: AbortController): void {
  wire?.once('message', () => {
    aborter.abort();
  });
  // A port that listens keeps a thread alive, and the pool alone decides on that.
  wire?.unref();
}

function perform(call: Call, options: UploadOptions): Promise<unknown> {
  switch (call.op) {
    case 'check':
      return shell.check(call.login, { ...options, files: call.files });
    case 'work': {
      const { login, job, loginDeadlineMs } = call;
      return shell.work(login, job, { ...options, loginDeadlineMs, deadlineMs: options.deadlineMs - loginDeadlineMs });
    }
    case 'ci':
      return masters.ask(call.master, call.question, options);
    case 'server-changes': {
      const { cloud, sent } = sessionOf(call.access);
      return cloud.listServers(options).then(servers => sent.changesTo(servers, call.known));
    }
    default: {
      // The arguments are those of the method of that name: `Call` says so for each.
      const cloud = sessionOf(call.access).cloud as unknown as Record<
        CloudOp,
        (...args: unknown[]) => Promise<unknown>
      >;
      return cloud[call.op](...call.args, options);
    }
  }
}

/** The session of these credentials; the one that was not asked longest is closed after its calls. */
function sessionOf(access: CloudAccess): Session {
  const key = JSON.stringify(access);
  const session = sessions.get(key) ?? { cloud: openCloud(access), sent: new SentServers() };
  sessions.delete(key);
  sessions.set(key, session);
  for (const [oldKey, old] of sessions) {
    if (sessions.size <= SESSIONS_MAX) break;
    sessions.delete(oldKey);
    void old.cloud.close();
  }
  return session;
}
