/** The document of the API, made of the schemas of its routes; served, and written into `docs/` by `npm run gen`. */
import { STATUS_CODES } from 'node:http';
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import { z } from 'zod';
import type { ControlApi } from '../ports/control.js';
import { ControlClient } from './client.js';
import { EventStream } from './event-stream.js';
import { addRoutes } from './routes.js';
import { withSchemas, type ControlApp, type RouteSchema } from './typed-routes.js';
import { problemView, viewNames } from './view-schemas.js';

type Json = Readonly<Record<string, unknown>>;

const componentPath = '#/components/schemas/';

/** All routes that are added to what it answers become part of the document. */
export function addOpenApi(app: FastifyInstance): ControlApp {
  const paths: Record<string, Record<string, Json>> = {};
  app.addHook('onRoute', route => noteRoute(paths, route));
  const typed = withSchemas(app);
  typed.get(
    '/api/v1/openapi.json',
    { schema: { summary: 'This document', response: { 200: z.record(z.string(), z.unknown()) } } },
    () => documentOf(paths),
  );
  return typed;
}

/** As it is kept in `docs/`: of an application that is asked this alone. */
export async function openApiText(): Promise<string> {
  const nobody: ControlApi = Object.assign(new ControlClient(''), { subscribe: () => () => undefined });
  const events = new EventStream(nobody);
  const app = fastify({ logger: false });
  try {
    addRoutes(addOpenApi(app), { api: nobody, events, version: '' });
    const { body } = await app.inject('/api/v1/openapi.json');
    return `${JSON.stringify(JSON.parse(body), null, 2)}\n`;
  } finally {
    events.close();
    await app.close();
  }
}

function documentOf(paths: Json): Json {
  const { schemas } = z.toJSONSchema(viewNames, { io: 'output', uri: id => `${componentPath}${id}` });
  const named = Object.entries(schemas).map(([id, schema]) => [id, pointingAtComponents(schema as Json)] as const);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Nodepool control API',
      description: 'What docs/rest-api.md says in words. On the Unix socket no token is needed.',
      version: '1',
    },
    security: [{ token: [] }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: Object.fromEntries(named) },
    paths,
  };
}

function noteRoute(paths: Record<string, Record<string, Json>>, { method, url, schema }: RouteOptions): void {
  const isOfApi = schema !== undefined && schema.hide !== true;
  // Fastify adds HEAD to each GET by itself.
  if (!isOfApi || method === 'HEAD') return;
  const path = url.replaceAll(/:(\w+)/g, '{$1}');
  paths[path] = {
    ...paths[path],
    // Its validator compiler takes no other.
    [String(method).toLowerCase()]: operation(schema as RouteSchema),
  };
}

function operation({ summary, params, querystring, body, produces, response = {} }: RouteSchema): Json {
  const answers = Object.entries(response);
  return {
    summary,
    ...(params || querystring
      ? { parameters: [...parameters('path', params), ...parameters('query', querystring)] }
      : {}),
    ...(body ? { requestBody: bodyOf(body) } : {}),
    responses: Object.fromEntries(answers.map(([status, schema]) => [status, answerOf(status, schema, produces)])),
  };
}

function parameters(where: 'path' | 'query', schema: z.ZodType | undefined): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Json;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: where,
    required: required.includes(name),
    schema: of,
  }));
}

/** One that has a default may be left out. */
function bodyOf(schema: z.ZodType): Json {
  const of = jsonSchema(schema, 'input');
  return { required: !('default' in of), content: { 'application/json': { schema: of } } };
}

function answerOf(status: string, schema: z.ZodType, type = 'application/json'): Json {
  const isProblem = schema === problemView;
  return {
    description: STATUS_CODES[status] ?? status,
    content: { [isProblem ? 'application/problem+json' : type]: { schema: jsonSchema(schema, 'output') } },
  };
}

/** Views that have a name are referred to by it. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  // A view itself would be written out, what is within something is referred to.
  const within = z.toJSONSchema(z.object({ schema }), { io, metadata: viewNames });
  return pointingAtComponents(within.properties?.['schema'] as Json);
}

function pointingAtComponents(schema: Json): Json {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    // What JSON Schema says of the whole; a property may have such a name, and is an object then.
    const isOfWhole = key === '$schema' || key === '$id' || key === 'id';
    return isOfWhole && typeof value === 'string' ? undefined : value;
  });
  return JSON.parse(text.replaceAll('"#/$defs/', `"${componentPath}`)) as Json;
}
