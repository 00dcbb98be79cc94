/** The document of the API says what the routes are: it is made of their schemas. */
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import { expect, it } from 'vitest';
import { openApiText } from '../../src/http/openapi.js';
import { withSchemas } from '../../src/http/typed-routes.js';

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const readDocument = async (): Promise<Document> => JSON.parse(await openApiText()) as Document;

it('the document in docs is up to date (npm run gen writes it)', async () => {
  expect(readFileSync('docs/openapi.json', 'utf8')).toBe(await openApiText());
});

it('it has the very requests that the page about the API has', async () => {
  const { openapi, paths } = await readDocument();
  expect(openapi).toBe('3.1.0');
  const documented = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map(method => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '*')}`),
  );
  const page = readFileSync('docs/rest-api.md', 'utf8').matchAll(/^\| `([A-Z]+) (\/[^`?]*)/gm);
  const told = [...page].map(([, method, path]) => `${method ?? ''} ${(path ?? '').replaceAll(/\b(ID|NAME)\b/g, '*')}`);
  // The live page is for eyes.
  expect(documented.toSorted()).toEqual(told.filter(each => each !== 'GET /').toSorted());
});

it('whatever it refers to is there', async () => {
  const document = await readDocument();
  const named = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, to]) => to);
  const known = Object.keys(document.components.schemas).map(name => `#/components/schemas/${name}`);
  expect(named.length).toBeGreaterThan(50);
  expect(known).toEqual(expect.arrayContaining(named));
});

it('a body may be left out where all of it has defaults, and nowhere else', async () => {
  const { paths } = await readDocument();
  const hold = paths['/api/v1/nodes/{id}/hold'];
  expect(hold).toMatchObject({ post: { requestBody: { required: false } } });
  expect(paths['/api/v1/restart']).toMatchObject({ post: { requestBody: { required: true } } });
});

it('a route without a schema is refused, and one that does not say what it answers', () => {
  const app = withSchemas(fastify());
  expect(() => app.get('/new', () => 'hello')).toThrow('the route GET /new has no schema');
  expect(() => app.get('/other', { schema: {} }, () => 'hello')).toThrow('the schema of GET /other has no response');
});
