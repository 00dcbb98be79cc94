import { Fault, type FaultKind } from '../../domain/fault.js';
import { jsonObject, type Json } from './decode.js';
import type { HttpAnswer } from './http.js';

/** What a person reads; the rest of a long HTML page does not help. */
const MESSAGE_CHARS_MAX = 400;
/** A proxy that asks for a day would park a provider on one bad answer. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/** The JSON object of a good answer, or the fault that the answer is. */
export function jsonOf(answer: HttpAnswer): Json {
  assertGood(answer);
  const body = parseJson(answer.text);
  if (body === undefined) throw new Fault('cloud.bad-answer', `${answer.what}: ${answer.status}, ${notJson(answer)}`);
  return jsonObject(body, answer.what);
}

export function assertGood(answer: HttpAnswer): void {
  if (answer.status < 200 || answer.status > 299) throw faultOf(answer);
}

/** What an answer that is not 2xx means. Nova, Neutron, Glance, proxies and clouds of 2014 each have their own habits. */
export function faultOf(answer: HttpAnswer): Fault {
  const retryAfterMs = retryAfterOf(answer);
  const message = `${answer.what}: ${answer.status} ${messageOf(answer)}`;
  const kind = kindOf(answer, retryAfterMs);
  return new Fault(kind, message, kind === 'cloud.rate-limited' ? { retryAfterMs } : {});
}

/**
 * "No such object" is believed only from a service that speaks JSON: a proxy with a wrong route says 404 in HTML, and
 * taking that for a server that is gone would leak it.
 */
export function isNotFound(answer: HttpAnswer): boolean {
  return (answer.status === 404 || answer.status === 410) && parseJsonObject(answer.text) !== null;
}

/** The type of Neutron's error, `ExternalGatewayForFloatingIPNotFound` or such; null for any other answer. */
export function neutronErrorOf(answer: HttpAnswer): string | null {
  if (answer.status < 400) return null;
  const error = parseJsonObject(answer.text)?.['NeutronError'];
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : null;
  return typeof type === 'string' ? type : null;
}

function kindOf(answer: HttpAnswer, retryAfterMs: number | null): FaultKind {
  const { status } = answer;
  if (status < 400) return 'cloud.bad-answer';
  if (status < 500 && status !== 429 && isQuota(answer)) return 'cloud.quota';
  switch (status) {
    case 400:
      return refusalOf(messageOf(answer));
    case 401:
    case 403:
      return 'cloud.auth';
    case 404:
    case 410:
      return isNotFound(answer) ? 'cloud.not-found' : 'cloud.bad-answer';
    case 408:
    case 504:
      return 'cloud.timeout';
    case 409:
      return 'cloud.conflict';
    case 413:
      // Nova of 2014 limits the rate with 413; without a time to wait and in HTML it is a body over its limit.
      return retryAfterMs === null && parseJsonObject(answer.text) === null ? 'cloud.refused' : 'cloud.rate-limited';
    case 429:
      return 'cloud.rate-limited';
    case 503:
      return retryAfterMs === null ? 'cloud.error' : 'cloud.rate-limited';
    default:
      return status < 500 ? 'cloud.refused' : 'cloud.error';
  }
}

/** What Nova refuses because the configuration names what the cloud does not have; only the words tell. */
function refusalOf(message: string): FaultKind {
  if (/availability zone/i.test(message)) return 'cloud.no-zone';
  return /network .*not .*found|network is not|invalid.*network/i.test(message) ? 'cloud.no-network' : 'cloud.refused';
}

/** Only the words tell: 403 in Nova of today, 413 with `Retry-After: 0` in Nova of 2014, 409 in Neutron. */
function isQuota(answer: HttpAnswer): boolean {
  return /quota|maximum number of (instances|ports|servers)/i.test(messageOf(answer));
}

function retryAfterOf(answer: HttpAnswer): number | null {
  const header = answer.headers['retry-after'];
  const first = Array.isArray(header) ? header[0] : header;
  const waitMs = first === undefined ? retryAfterOfBody(answer) : retryAfterOfHeader(first);
  return waitMs === null || !Number.isFinite(waitMs) ? null : Math.min(Math.max(0, waitMs), RETRY_AFTER_MAX_MS);
}

function retryAfterOfHeader(header: string): number | null {
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Math.round(Number(header) * 1000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : at - Date.now();
}

/** `{"overLimit": {"retryAfter": "7"}}`, a number or a string. */
function retryAfterOfBody(answer: HttpAnswer): number | null {
  for (const part of partsOf(answer)) {
    const seconds = part['retryAfter'] ?? part['retry_after'];
    if (typeof seconds === 'number' || (typeof seconds === 'string' && seconds !== '')) return Number(seconds) * 1000;
  }
  return null;
}

/** The words in an error body, which is keyed by kind: `{"badRequest": {code, message}}`; or those of an HTML page. */
function messageOf(answer: HttpAnswer): string {
  for (const part of partsOf(answer)) {
    if (typeof part['message'] === 'string' && part['message'] !== '') return cut(part['message']);
  }
  return notJson(answer);
}

function partsOf(answer: HttpAnswer): readonly Json[] {
  const body = parseJsonObject(answer.text);
  if (body === null) return [];
  const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
  return [...Object.values(body).filter(isObject), body];
}

function notJson(answer: HttpAnswer): string {
  if (answer.text === '') return 'with an empty body';
  const words = answer.text.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ');
  return `"${cut(words)}"`;
}

function cut(words: string): string {
  const line = words.replace(/\s+/g, ' ').trim();
  return line.length > MESSAGE_CHARS_MAX ? `${line.slice(0, MESSAGE_CHARS_MAX)}…` : line;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function parseJsonObject(text: string): Json | null {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
