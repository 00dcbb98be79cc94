import { json, Refusal } from '../http/reply.js';

/** Nova's error body: one key, named for the kind of trouble. */
export function novaError(kind: string, status: number, message: string): Refusal {
  return new Refusal(json(status, { [kind]: { code: status, message } }));
}

export const badRequest = (message: string): Refusal => novaError('badRequest', 400, message);
export const itemNotFound = (message: string): Refusal => novaError('itemNotFound', 404, message);

export function neutronError(type: string, status: number, message: string): Refusal {
  return new Refusal(json(status, { NeutronError: { type, message, detail: '' } }));
}

/** Glance answers in HTML, whatever the client accepts. */
export function glanceError(status: number, title: string, words = ''): Refusal {
  const head = `<head>\n  <title>${status} ${title}</title>\n </head>`;
  const page = `<html>\n ${head}\n <body>\n  <h1>${status} ${title}</h1>\n  ${words}<br /><br />\n </body>\n</html>`;
  return new Refusal({ status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: page });
}

/** A request above Nova's limit, refused before Nova reads it. */
export function tooLarge(): Refusal {
  return glanceError(413, 'Request Entity Too Large', 'Request is too large.');
}

/** The same words from Keystone itself and from the middleware before every other service. */
export function unauthorized(): Refusal {
  const message = 'The request you have made requires authentication.';
  return new Refusal(
    json(401, { error: { code: 401, message, title: 'Unauthorized' } }, { 'www-authenticate': 'Keystone uri="/v3"' }),
  );
}
