/** The document of the API, made of the schemas of its routes; served, and written into `docs/` by `npm run gen`. */
import { STATUS_CODES } from 'node:http';
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifySchema } from 'fastify';
import { z } from 'zod';
import type { ControlApi } from '../ports/control.js';
import { ControlClient } from './client.js';
import { EventStream } from './event-stream.js';
import { addRoutes } from './routes.js';
import { withSchemas, type ControlApp } from './typed-routes.js';
import { problemView, viewNames } from './view-schemas.js';

type Json = Readonly<Record<string, unknown>>;

const componentPath = '#/components/schemas/';

export async function addOpenApi(app: FastifyInstance): Promise<ControlApp> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Nodepool control API',
        description: 'What docs/rest-api.md says in words. On the Unix socket no token is needed.',
        version: '1',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url }) => ({ schema: documented(schema), url }),
    transformObject: given =>
      'openapiObject' in given ? withComponents(given.openapiObject as Document) : given.swaggerObject,
  });
  const typed = withSchemas(app);
  typed.get(
    '/api/v1/openapi.json',
    { schema: { summary: 'This document', response: { 200: z.record(z.string(), z.unknown()) } } },
    () => app.swagger(),
  );
  return typed;
}

/** As it is kept in `docs/`. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await openApiDocument(), null, 2)}\n`;
}

/** Of an application that is asked nothing. */
async function openApiDocument(): Promise<unknown> {
  const nobody: ControlApi = Object.assign(new ControlClient(''), { subscribe: () => () => undefined });
  const events = new EventStream(nobody);
  const app = fastify({ logger: false });
  try {
    addRoutes(await addOpenApi(app), { api: nobody, events, version: '' });
    await app.ready();
    return app.swagger();
  } finally {
    events.close();
    await app.close();
  }
}

function documented(schema: FastifySchema): FastifySchema {
  const { querystring, params, body, response, produces, ...rest } = schema;
  const answers = Object.entries((response ?? {}) as Readonly<Record<string, z.ZodType>>);
  return {
    ...rest,
    ...(querystring === undefined ? {} : { querystring: jsonSchema(querystring as z.ZodType, 'input') }),
    ...(params === undefined ? {} : { params: jsonSchema(params as z.ZodType, 'input') }),
    ...(body === undefined ? {} : { body: jsonSchema(body as z.ZodType, 'input') }),
    response: Object.fromEntries(answers.map(([status, of]) => [status, answerOf(status, of, produces?.[0])])),
  };
}

function answerOf(status: string, schema: z.ZodType, type = 'application/json'): Json {
  return {
    description: STATUS_CODES[status] ?? status,
    content: {
      [schema === problemView ? 'application/problem+json' : type]: { schema: jsonSchema(schema, 'output') },
    },
  };
}

/** Views that have a name are referred to by it. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  // A view itself would be written out, what is within something is referred to.
  const within = z.toJSONSchema(z.object({ schema }), { io, metadata: viewNames });
  return pointingAtComponents(within.properties?.['schema'] as Json);
}

/** The part of a document that is touched. */
interface Document {
  readonly components?: Json;
  readonly paths?: Readonly<Record<string, { readonly post?: Operation }>>;
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> };
}

function withComponents(document: Document): Json {
  const { schemas } = z.toJSONSchema(viewNames, { io: 'output', uri: id => `${componentPath}${id}` });
  const named = Object.entries(schemas).map(([id, schema]) => [id, pointingAtComponents(schema as Json)] as const);
  const paths = Object.entries(document.paths ?? {}).map(
    ([path, { post, ...others }]) => [path, post ? { ...others, post: withOptionalBody(post) } : others] as const,
  );
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(named) },
    paths: Object.fromEntries(paths),
  };
}

/** A body that has a default may be left out; the library takes every body for required. */
function withOptionalBody({ requestBody, ...others }: Operation): Operation {
  if (requestBody === undefined) return others;
  const required = Object.values(requestBody.content).every(({ schema }) => !schema || !('default' in schema));
  return { ...others, requestBody: { ...requestBody, required } as Operation['requestBody'] & object };
}

function pointingAtComponents(schema: Json): Json {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    if (key === '$schema' || key === '$id' || key === 'id') return typeof value === 'object' ? value : undefined;
    return value;
  });
  return JSON.parse(text.replaceAll('"#/$defs/', `"${componentPath}`)) as Json;
}
