/** What crosses between the daemon and a worker thread: plain values, and a port through which a read is called off. */
import type { MessagePort } from 'node:worker_threads';

import type { FaultRecord } from '../../domain/fault.js';
import type { JenkinsMaster } from '../../domain/pool-config.js';
import type { CallOptions, CloudPort } from '../../ports/cloud.js';
import type { ShellFile, ShellJob, ShellLogin, ShellPort } from '../../ports/shell.js';
import type { CiQuestion } from '../jenkins/question.js';
import type { CloudAccess } from '../openstack/cloud.js';
import type { ServerChanges } from './server-changes.js';

/** A list of servers crosses as its changes. */
export type CloudOp = Exclude<keyof CloudPort, 'close' | 'listServers'>;

/** What a method of the cloud is called with, but for the options of the call, which cross beside it. */
export type CloudArgs<Name extends CloudOp> =
  Parameters<CloudPort[Name]> extends readonly [...infer Args, CallOptions] ? Args : never;

/** The calls, by what they are asked with. */
export type Call =
  | { readonly [Name in CloudOp]: CloudCall<Name> }[CloudOp]
  | { readonly op: 'server-changes'; readonly access: CloudAccess; readonly known: string | null }
  | { readonly op: 'check'; readonly login: ShellLogin; readonly files: readonly ShellFile[] }
  | { readonly op: 'work'; readonly login: ShellLogin; readonly job: ShellJob; readonly loginDeadlineMs: number }
  | { readonly op: 'ci'; readonly master: JenkinsMaster; readonly question: CiQuestion };

export interface CloudCall<Name extends CloudOp> {
  readonly op: Name;
  readonly access: CloudAccess;
  readonly args: CloudArgs<Name>;
}

export type Op = Call['op'];

/** What each call resolves to: what its port says. */
export type Result<Name extends Op> = Name extends 'check' | 'work'
  ? Awaited<ReturnType<ShellPort[Name]>>
  : Name extends keyof CloudPort
    ? Awaited<ReturnType<CloudPort[Name]>>
    : Name extends 'server-changes'
      ? ServerChanges
      : unknown;

export interface Request {
  readonly call: Call;
  readonly deadlineMs: number;
  /** Any message on it aborts the call; what the worker posts is progress. Null where neither is wanted. */
  readonly wire: MessagePort | null;
}

/** How much of an upload is sent. */
export interface Progress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

export type Reply =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: FaultRecord };

/** Name of the function that the worker file exports and the pool calls. */
export const ENTRY_FUNCTION = 'serve';
