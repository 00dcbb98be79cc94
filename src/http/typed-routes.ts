/**
 * Routes with schemas: what a request may say is checked, and typed, by the schema of its route, and the document of
 * the API is made of the same schemas. Answers are typed where they are made and are not checked again.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault, RouteOptions } from 'fastify';
import { z } from 'zod';
import { ControlError } from './control-error.js';

/** What our routes say of themselves. */
export interface RouteSchema {
  readonly summary?: string;
  /** No part of the API: the document leaves it out. */
  readonly hide?: boolean;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly body?: z.ZodType;
  /** The content type where it is not JSON. */
  readonly produces?: string;
  /** By status. */
  readonly response?: Readonly<Record<string, z.ZodType>>;
}

declare module 'fastify' {
  // An interface that is merged with the library's own.
  interface FastifySchema {
    readonly summary?: string;
    readonly hide?: boolean;
    readonly produces?: string;
  }
}

export interface ZodTypes extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  serializer: unknown;
}

export type ControlApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypes
>;

/** From now on every route needs a schema, be it to say that the document leaves it out. */
export function withSchemas(app: FastifyInstance): ControlApp {
  app.addHook('onRoute', demandSchema);
  app.setValidatorCompiler<z.ZodType>(
    ({ schema }) =>
      value =>
        check(schema, value),
  );
  app.setSerializerCompiler(() => value => JSON.stringify(value));
  return app.withTypeProvider<ZodTypes>();
}

function demandSchema({ method, url, schema }: RouteOptions): void {
  const name = `${String(method)} ${url}`;
  if (schema === undefined) throw new Error(`the route ${name} has no schema`);
  if (schema.hide === true) return;
  if (!schema.response) throw new Error(`the schema of ${name} has no response`);
}

/** A request without a body has null for one. */
function check(schema: z.ZodType, value: unknown): { value: unknown } | { error: ControlError } {
  const decoded = schema.safeParse(value ?? undefined);
  if (decoded.success) return { value: decoded.data };
  return { error: new ControlError(z.prettifyError(decoded.error).replaceAll('\n', ' '), { status: 400 }) };
}
