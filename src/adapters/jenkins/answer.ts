/** What an answer of a master means. The status decides, never the text of a page (jenkins.md 13). */
import { Fault, type FaultKind } from '../../domain/fault.js';
import { nodeName } from '../../domain/ids.js';
import type { CiNode, CiStatus } from '../../ports/ci.js';

export interface Request {
  readonly method: 'GET' | 'POST';
  /** Relative to the root of the master, percent-encoded. */
  readonly path: string;
  readonly form?: Readonly<Record<string, string>>;
  /** Instead of a form. */
  readonly xml?: string;
}

export interface Answer {
  readonly request: Request;
  /** Method, host and path, for messages. */
  readonly what: string;
  readonly status: number;
  /** Cut at a limit where the status says failure. */
  readonly text: string;
  /** Of several headers with one name the first. */
  header(name: string): string | null;
  readonly cookies: readonly string[];
}

/** True for the 302 by which a master says that a POST was done; throws the fault that any other answer is. */
export function assertDone(answer: Answer): void {
  if (!isDone(answer)) throw faultOf(answer);
}

export function isDone(answer: Answer): boolean {
  return (answer.status === 302 || answer.status === 303) && !pointsToItself(answer);
}

/** A proxy that moves everything to https answers 302 too, and nothing was done. */
function pointsToItself(answer: Answer): boolean {
  const path = (answer.header('location') ?? '').replace(/^https?:\/\/[^/]*/, '').split('?', 1)[0] ?? '';
  return path.endsWith(`/${answer.request.path.split('?', 1)[0] ?? ''}`);
}

export function faultOf(answer: Answer): Fault {
  const { status } = answer;
  const reason = answer.header('x-error') ?? answer.header('x-required-permission');
  const message = `${answer.what}: HTTP ${status}${reason === null ? '' : `, ${printable(reason)}`}`;
  return new Fault(kindOf(status), message, { retryAfterMs: retryAfterMs(answer.header('retry-after')) });
}

function kindOf(status: number): FaultKind {
  // Starting and restarting masters answer 503 to everything (jenkins.md 7).
  if (status === 503) return 'jenkins.unreachable';
  if (status === 401 || status === 403) return 'jenkins.auth';
  // A proxy's pace or patience: the same request may pass later.
  if (status >= 500 || status === 408 || status === 429) return 'jenkins.error';
  if (status >= 400) return 'jenkins.refused';
  return 'jenkins.bad-answer';
}

const reasonCharsMax = 200;

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, ' ').slice(0, reasonCharsMax);
}

function retryAfterMs(header: string | null): number | null {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : null;
}

export function where({ method, path }: Request, { host, pathname }: URL): string {
  return `${method} ${host}${pathname}${path.split('?', 1)[0] ?? ''}`;
}

/** A login page with status 200 is the commonest answer that is none. */
export function parseJson(answer: Answer): unknown {
  if (answer.status !== 200) throw faultOf(answer);
  try {
    return JSON.parse(answer.text);
  } catch (error) {
    throw badAnswer(answer, 'is not JSON', error);
  }
}

export function parseStatus(answer: Answer): CiStatus {
  const body = parseJson(answer) as { quietingDown?: unknown } | null;
  if (typeof body?.quietingDown !== 'boolean') throw badAnswer(answer, 'does not say quietingDown');
  return {
    quietingDown: body.quietingDown,
    version: answer.header('x-jenkins'),
    session: answer.header('x-jenkins-session'),
  };
}

export function parseNodes(answer: Answer): readonly CiNode[] {
  const body = parseJson(answer) as { computer?: unknown } | null;
  if (!Array.isArray(body?.computer)) throw badAnswer(answer, 'has no list of computers');
  return body.computer.filter((entry, index) => !isMaster(entry, index)).map(entry => parseNode(answer, entry));
}

function parseNode(answer: Answer, entry: unknown): CiNode {
  const { displayName, offline, temporarilyOffline, offlineCauseReason, idle } = (entry ?? {}) as Record<
    string,
    unknown
  >;
  if (typeof displayName !== 'string' || displayName === '') throw badAnswer(answer, 'has a computer without a name');
  if (typeof offline !== 'boolean' || typeof temporarilyOffline !== 'boolean' || typeof idle !== 'boolean') {
    throw badAnswer(answer, 'has a computer without its state');
  }
  const reason = typeof offlineCauseReason === 'string' ? offlineCauseReason : '';
  const offlineReason = temporarilyOffline ? reason : null;
  return { name: nodeName(displayName), offline, temporarilyOffline, offlineReason, idle };
}

/** A newer master marks itself by class; an older one is listed first, as `master` (jenkins.md 3). */
function isMaster(entry: unknown, index: number): boolean {
  const { _class: mark, displayName } = (entry ?? {}) as Record<string, unknown>;
  if (typeof mark === 'string') return mark.endsWith('$MasterComputer');
  return index === 0 && (displayName === 'master' || displayName === 'Built-In Node');
}

/**
 * The host in a node's config.xml; null if its launcher has none. The document is read by pattern: since 2.105 it
 * claims XML 1.1, which parsers refuse (jenkins.md 6). Half a document is no answer, because a foreign host there
 * means that the node is replaced.
 */
export function parseHost(answer: Answer): string | null {
  assertNodeXml(answer);
  const launcher = /<launcher[\s>][\s\S]*?<\/launcher>/.exec(answer.text)?.[0] ?? '';
  return /<host>([^<]*)<\/host>/.exec(launcher)?.[1]?.trim() ?? null;
}

/** The description in a node's config.xml, as it is written there; empty where there is none. */
export function parseDescription(answer: Answer): string {
  assertNodeXml(answer);
  // The node's own comes before those of its parts.
  return /<description>([^<]*)<\/description>/.exec(answer.text)?.[1]?.trim() ?? '';
}

/** The node's config.xml with these labels in place of its own; everything else to the letter. */
export function withLabels(answer: Answer, labels: string): string {
  assertNodeXml(answer);
  const label = `<label>${escaped(labels)}</label>`;
  const pattern = /<label\s*\/>|<label>[^<]*<\/label>/;
  if (!pattern.test(answer.text)) throw badAnswer(answer, 'has no label');
  return answer.text.replace(pattern, () => label);
}

function assertNodeXml(answer: Answer): void {
  if (answer.status !== 200) throw faultOf(answer);
  const root = /^\s*(?:<\?xml[^>]*\?>)?\s*<([\w.$-]+)[\s>]/.exec(answer.text)?.[1];
  if (root === undefined || root === 'html' || !answer.text.trimEnd().endsWith(`</${root}>`)) {
    throw badAnswer(answer, 'is not the XML of a node');
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function badAnswer(answer: Answer, what: string, cause?: unknown): Fault {
  return new Fault('jenkins.bad-answer', `${answer.what}: the answer ${what}`, { cause });
}
