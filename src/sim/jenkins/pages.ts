import { Refusal, type Reply } from '../http/reply.js';

/** Jenkins answers every error in HTML, also below `api/json`. */
export function page(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = `<html><head><title>Jenkins</title></head><body><h1>Error</h1><p>${escapeText(text)}</p></body></html>`;
  return { status, headers: { 'content-type': 'text/html;charset=UTF-8', ...headers }, body };
}

/** `Failure` in Jenkins: the message is also in a header, where its typographic quotes are lost. */
export function failure(message: string): Refusal {
  return new Refusal(page(400, message, { 'x-error': message.replace(/[^\x20-\x7e]/g, '?') }));
}

export function crash(message: string): Refusal {
  return new Refusal(page(500, message));
}

export function notFound(): Refusal {
  return new Refusal(page(404, 'Not Found'));
}

export function postOnly(): Refusal {
  return new Refusal(page(405, 'This URL requires POST', { allow: 'POST' }));
}

export function redirect(location: string): Reply {
  return { status: 302, headers: { location }, body: '' };
}

export function escapeText(text: string): string {
  return text.replace(/[<>&]/g, character => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[character] ?? character);
}

export function unescapeText(text: string): string {
  return text
    .replace(/&(lt|gt|quot|apos);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'" })[name] ?? '')
    .replace(/&amp;/g, '&');
}
