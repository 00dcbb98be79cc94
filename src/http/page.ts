/**
 * The live page, as `npm run build` has put it into web/dist: a few files, kept in memory. It loads nothing from
 * elsewhere, and the policy that is sent with it lets nothing foreign in.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { ControlError } from './control-error.js';

/** The same from src/http and from dist/http. */
export const builtPage = fileURLToPath(new URL('../../web/dist', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Names of these files change with what is in them. */
const forEver = 'public, max-age=31536000, immutable';

/** It is no part of the API. */
const hidden = { schema: { hide: true } };

export async function addPage(app: FastifyInstance, dir: string): Promise<void> {
  const files = await readFiles(dir);
  if (!files.has('index.html')) {
    app.get('/', hidden, () => {
      throw new ControlError('the live page has not been built', { status: 503, next: 'npm run build' });
    });
  }
  for (const [name, content] of files) {
    const isPage = name === 'index.html';
    app.get(isPage ? '/' : `/${name}`, hidden, (_request, reply) =>
      reply
        .headers({ 'content-security-policy': policy, 'cache-control': isPage ? 'no-cache' : forEver })
        .type(types[extname(name)] ?? 'application/octet-stream')
        .send(content),
    );
  }
}

async function readFiles(dir: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(absent);
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  const read = files.map(async file => [relative(dir, file).split(sep).join('/'), await readFile(file)] as const);
  return new Map(await Promise.all(read));
}

function absent(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
