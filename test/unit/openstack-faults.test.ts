import { describe, expect, it } from 'vitest';

import { faultOf } from '../../src/adapters/openstack/faults.js';
import type { FaultKind } from '../../src/domain/fault.js';

type Headers = Readonly<Record<string, string>>;

const json = (kind: string, message: string, more: object = {}): string =>
  JSON.stringify({ [kind]: { code: 400, message, ...more } });
const html = '<html><head><style>p{}</style></head><body><h1>413 Request Entity Too Large</h1></body></html>';
const quota = 'Quota exceeded for ram: Requested 8192, but already used 16384 of 20480 ram';

const cases: readonly [string, number, string, Headers, FaultKind, number | null][] = [
  ['a refused token', 401, json('error', 'requires authentication'), {}, 'cloud.auth', null],
  ['a forbidden act', 403, json('forbidden', 'Policy does not allow it'), {}, 'cloud.auth', null],
  ['quota of today', 403, json('forbidden', quota), {}, 'cloud.quota', null],
  ['quota of 2014', 413, json('overLimit', quota), { 'retry-after': '0' }, 'cloud.quota', null],
  [
    'quota of Neutron',
    409,
    JSON.stringify({ NeutronError: { type: 'OverQuota', message: quota } }),
    {},
    'cloud.quota',
    null,
  ],
  ['no such server', 404, json('itemNotFound', 'Instance not found'), {}, 'cloud.not-found', null],
  ['a 404 of a proxy', 404, html, {}, 'cloud.bad-answer', null],
  ['a locked server', 409, json('conflictingRequest', 'Instance is locked'), {}, 'cloud.conflict', null],
  ['a wrong flavor', 400, json('badRequest', 'Flavor not found'), {}, 'cloud.refused', null],
  [
    'an unknown zone',
    400,
    json('badRequest', 'The requested availability zone is not available'),
    {},
    'cloud.no-zone',
    null,
  ],
  ['an unknown network', 400, json('badRequest', 'Network a1b2 could not be found.'), {}, 'cloud.no-network', null],
  ['a wrong microversion', 406, json('computeFault', 'Version not supported'), {}, 'cloud.refused', null],
  ['rate limit of 2014', 413, json('overLimit', 'Only 10 POST', { retryAfter: '7' }), {}, 'cloud.rate-limited', 7000],
  ['rate limit of 2014, header', 413, html, { 'retry-after': '12' }, 'cloud.rate-limited', 12_000],
  ['a body over the limit', 413, html, {}, 'cloud.refused', null],
  ['too many requests', 429, 'slow down', { 'retry-after': '2' }, 'cloud.rate-limited', 2000],
  ['too many, quota of requests', 429, json('overLimit', 'request quota exceeded'), {}, 'cloud.rate-limited', null],
  ['too many, for a day', 429, '', { 'retry-after': '86400' }, 'cloud.rate-limited', 3_600_000],
  [
    'too many, until a time long ago',
    429,
    '',
    { 'retry-after': 'Sun, 01 Jun 2014 00:00:00 GMT' },
    'cloud.rate-limited',
    0,
  ],
  ['too many, until nonsense', 429, '', { 'retry-after': 'soon' }, 'cloud.rate-limited', null],
  ['away for a while', 503, html, { 'retry-after': '30' }, 'cloud.rate-limited', 30_000],
  ['away', 503, html, {}, 'cloud.error', null],
  ['an error of Nova', 500, json('computeFault', 'Unexpected API Error'), {}, 'cloud.error', null],
  ['an error that names quota', 500, json('computeFault', 'cannot read quota'), {}, 'cloud.error', null],
  ['a proxy that waited too long', 504, html, {}, 'cloud.timeout', null],
  ['a redirection', 301, '', { location: '/' }, 'cloud.bad-answer', null],
];

describe('an answer of a cloud that is no success', () => {
  it.each(cases)('%s', (_name, status, text, headers, kind, retryAfterMs) => {
    const fault = faultOf({ what: 'POST /v2.1/servers', status, text, headers });
    expect({ kind: fault.kind, retryAfterMs: fault.retryAfterMs }).toEqual({ kind, retryAfterMs });
  });

  it('says what was asked, and the words of the cloud without its markup', () => {
    const fault = faultOf({ what: 'POST /v2.1/servers', status: 413, text: html, headers: {} });
    expect(fault.message).toBe('POST /v2.1/servers: 413 "413 Request Entity Too Large"');
  });

  it('does not repeat a page of any length', () => {
    const fault = faultOf({ what: 'GET /x', status: 500, text: 'x'.repeat(100_000), headers: {} });
    expect(fault.message.length).toBeLessThan(500);
  });
});
