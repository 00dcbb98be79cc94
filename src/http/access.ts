/**
 * Who may do what. On the Unix socket the file's mode has decided already: everything is allowed. Over TCP a write
 * needs the write token and a read the read token, if one is set; the write token also reads. A browser may send the
 * read token as the password of HTTP Basic, but never a write: browsers send Basic along with foreign pages' requests.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.js';

export interface Tokens {
  readonly write: string | null;
  readonly read: string | null;
}

export type Need = 'nothing' | 'read' | 'write';

export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Throws the refusal of a request that came over TCP. */
export function checkAccess(request: IncomingMessage, need: Need, tokens: Tokens): void {
  checkHost(request.headers.host);
  switch (need) {
    case 'nothing':
      return;
    case 'read':
      return checkRead(request.headers.authorization, tokens);
    case 'write':
      return checkWrite(request.headers.authorization, tokens);
  }
}

/** A foreign page can point a name of its own at 127.0.0.1 (DNS rebinding), but the browser still sends that name. */
function checkHost(host: string | undefined): void {
  const hostname = (host ?? '').replace(/:\d*$/, '');
  if (isLoopback(hostname)) return;
  throw new ControlError(`requests for the host "${hostname}" are not served`, {
    status: 403,
    next: 'ask for localhost or 127.0.0.1',
  });
}

function checkRead(authorization: string | undefined, tokens: Tokens): void {
  if (tokens.read === null) return;
  const given = bearer(authorization) ?? basicPassword(authorization);
  if (given === null) throw new ControlError('reading needs the read token', { status: 401, next: howToSend });
  if (isSame(given, tokens.read) || (tokens.write !== null && isSame(given, tokens.write))) return;
  throw new ControlError('this is not the read token', { status: 403, next: howToSend });
}

function checkWrite(authorization: string | undefined, tokens: Tokens): void {
  if (tokens.write === null) {
    throw new ControlError('changes are only accepted on the Unix socket', {
      status: 403,
      next: 'set control.write-token-file to allow them over TCP',
    });
  }
  const given = bearer(authorization);
  if (given === null) throw new ControlError('a change needs the write token', { status: 401, next: howToSend });
  if (isSame(given, tokens.write)) return;
  throw new ControlError('this is not the write token', { status: 403, next: howToSend });
}

const howToSend = 'send the header Authorization: Bearer TOKEN';

function bearer(authorization: string | undefined): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

function basicPassword(authorization: string | undefined): string | null {
  const encoded = /^Basic +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return null;
  const [, ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return password.join(':');
}

/** Takes the same time whatever the difference: the answer's delay must not spell the token. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
