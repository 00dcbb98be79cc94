/** The control API's routes: each asks the daemon one thing and answers with the view it got. */
import type { FastifyReply } from 'fastify';
import { whereListed } from '../domain/where-listed.js';
import { z } from 'zod';
import type { CommandOutcome, ControlApi, JobOutcome } from '../ports/control.js';
import { answerNot, sendProblem } from './answer.js';
import { ControlError } from './control-error.js';
import { jobsMax, parseDemand } from './demand-query.js';
import { keptMax, type EventStream } from './event-stream.js';
import { addAlienRoutes } from './alien-routes.js';
import { addExplainRoutes } from './explain-routes.js';
import { addImageRoutes } from './image-routes.js';
import { addLookRoutes } from './look-routes.js';
import type { ControlApp } from './typed-routes.js';
import { jobView, nodeView, planView, poolEvent, problemView, readinessView, treeView } from './view-schemas.js';

/** The column that keeps the reason has 255 characters. */
const reasonMax = 255;
/** Ten years: a hold for longer has no end. */
const holdMsMax = 10 * 366 * 86_400_000;
const pathMax = 1_024;
const demandsMax = 1_000;

const nodeParams = z.object({ id: z.coerce.number().int().positive() });
const treeQuery = z.object({ path: z.string().max(pathMax).default('/') });
const planQuery = z.object({ demand: z.union([z.string(), z.array(z.string()).max(demandsMax)]).default([]) });
const planBody = z.strictObject({
  demand: z.record(z.string(), z.int().min(0).max(jobsMax)).default({}),
  file: z.string().startsWith('/').max(pathMax),
});
const eventsQuery = z.object({ last: z.coerce.number().int().min(0).max(keptMax).default(0) });
const deleteQuery = z.object({ now: z.enum(['0', '1']).default('0') });
const holdBody = z
  .strictObject({
    reason: z.string().max(reasonMax).nullable().default(null),
    forMs: z.number().int().positive().max(holdMsMax).nullable().default(null),
  })
  .prefault({});
const jobBody = z.strictObject({
  name: z.string().min(1).max(reasonMax),
  holdOnFailure: z.number().int().min(0).max(1_000_000),
});
const tuneParams = z.object({ provider: z.string().min(1).max(pathMax) });
const tuneBody = z.strictObject({ key: z.string().min(1).max(pathMax), value: z.number() });
const restartBody = z.strictObject({ path: z.string().min(1).max(pathMax) });

export function addRoutes(app: ControlApp, parts: { api: ControlApi; events: EventStream; version: string }): void {
  addHealth(app, parts.api, parts.version);
  addReads(app, parts.api, parts.events);
  addCommands(app, parts.api);
  addImageRoutes(app, parts.api);
  addAlienRoutes(app, parts.api);
  addLookRoutes(app, parts.api);
  addExplainRoutes(app, parts.api);
}

function addHealth(app: ControlApp, api: ControlApi, version: string): void {
  app.get(
    '/healthz',
    {
      schema: {
        summary: 'Answers as soon as the process listens',
        response: { 200: z.object({ status: z.literal('ok'), version: z.string() }) },
      },
    },
    () => ({ status: 'ok', version }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Each dependency with its reason and since when',
        response: { 200: readinessView, 503: readinessView },
      },
    },
    async (_request, reply) => {
      const readiness = await api.readiness();
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    },
  );
  app.get(
    '/metrics',
    { schema: { summary: 'For Prometheus', produces: 'text/plain', response: { 200: z.string() } } },
    async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await api.metrics()),
  );
}

function addReads(app: ControlApp, api: ControlApi, events: EventStream): void {
  app.get(
    '/api/v1/jobs',
    { schema: { summary: 'Jobs of which nodes are kept when they fail', response: { 200: z.array(jobView) } } },
    () => api.jobs(),
  );
  app.get(
    '/api/v1/tree',
    {
      schema: {
        summary: 'The actors below a path',
        querystring: treeQuery,
        response: { 200: treeView, 404: problemView },
      },
    },
    async ({ query: { path } }) => {
      const tree = await api.tree(path);
      if (tree !== null) return tree;
      throw new ControlError(`no actor has the path ${path}`, { status: 404, next: whereListed.actor });
    },
  );
  app.get(
    '/api/v1/plan',
    {
      schema: {
        summary: 'What the next round would grant, and what the configuration file would change',
        querystring: planQuery,
        response: { 200: planView, 400: problemView },
      },
    },
    async ({ query: { demand } }) => api.plan(decodeDemand([demand].flat()), null),
  );
  // It changes nothing. But it reads a file by its name, and that not everybody may have done who may look.
  app.post(
    '/api/v1/plan',
    {
      schema: {
        summary: 'The same for another configuration file of that machine',
        body: planBody,
        response: { 200: planView, 400: problemView },
      },
    },
    async ({ body: { demand, file } }) => api.plan(demand, file),
  );
  app.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'Server-sent events: what happens, as it happens',
        produces: 'text/event-stream',
        querystring: eventsQuery,
        response: { 200: poolEvent, 503: problemView },
      },
    },
    ({ query: { last }, raw }, reply) => {
      events.serve(raw, reply.raw, last);
      reply.hijack();
    },
  );
}

/** What becomes of an order; 200 with what it was about. */
function outcomes<Done extends z.ZodType>(done: Done) {
  return { 200: done, 404: problemView, 409: problemView, 500: problemView };
}

const nodeOutcomes = outcomes(z.object({ node: nodeView.nullable() }));
const jobOutcomes = outcomes(z.object({ job: jobView }));
const texts = z.array(z.string());
const reloadOutcomes = {
  200: z.object({ changes: texts, problems: texts }),
  422: z.object({ problems: texts }),
  500: problemView,
};

function addCommands(app: ControlApp, api: ControlApi): void {
  addNodeCommands(app, api);
  app.post(
    '/api/v1/jobs',
    { schema: { summary: 'Keeps nodes on which a job fails', body: jobBody, response: jobOutcomes } },
    async ({ body }, reply) => answerJob(reply, await api.createJob(body)),
  );
  app.delete(
    '/api/v1/jobs/:id',
    { schema: { summary: 'Keeps them no more', params: nodeParams, response: jobOutcomes } },
    async ({ params: { id } }, reply) => answerJob(reply, await api.deleteJob(id)),
  );
  app.post(
    '/api/v1/reload',
    { schema: { summary: 'Reads the configuration again', response: reloadOutcomes } },
    async (_request, reply) => {
      const outcome = await api.reload();
      switch (outcome.kind) {
        case 'done':
          return reply.send({ changes: outcome.changes, problems: outcome.problems });
        case 'refused':
          return reply.code(422).send({ problems: outcome.problems });
        case 'failed':
          return sendProblem(reply, 500, outcome.message, 'see the log of nodepoold');
      }
    },
  );
  app.post(
    '/api/v1/providers/:provider/tune',
    {
      schema: {
        summary: 'Changes one key of a provider until the next reload',
        params: tuneParams,
        body: tuneBody,
        response: nodeOutcomes,
      },
    },
    async ({ params: { provider }, body }, reply) => answer(reply, await api.tune(provider, body)),
  );
  app.post(
    '/api/v1/restart',
    { schema: { summary: 'Begins a new life of an actor', body: restartBody, response: nodeOutcomes } },
    async ({ body: { path } }, reply) => answer(reply, await api.restart(path)),
  );
}

function addNodeCommands(app: ControlApp, api: ControlApi): void {
  app.post(
    '/api/v1/nodes/:id/hold',
    {
      schema: {
        summary: 'Keeps a node whatever happens',
        params: nodeParams,
        body: holdBody,
        response: nodeOutcomes,
      },
    },
    async ({ params: { id }, body }, reply) => answer(reply, await api.hold(id, body)),
  );
  app.post(
    '/api/v1/nodes/:id/release',
    { schema: { summary: 'Ends a hold', params: nodeParams, response: nodeOutcomes } },
    async ({ params: { id } }, reply) => answer(reply, await api.release(id)),
  );
  app.delete(
    '/api/v1/nodes/:id',
    {
      schema: {
        summary: 'Deletes a node, its server and its slave',
        params: nodeParams,
        querystring: deleteQuery,
        response: nodeOutcomes,
      },
    },
    async ({ params: { id }, query: { now } }, reply) => answer(reply, await api.delete(id, { now: now === '1' })),
  );
}

function answer(reply: FastifyReply, outcome: CommandOutcome): FastifyReply {
  return outcome.kind === 'done' ? reply.send({ node: outcome.node }) : answerNot(reply, outcome);
}

function answerJob(reply: FastifyReply, outcome: JobOutcome): FastifyReply {
  return outcome.kind === 'done' ? reply.send({ job: outcome.job }) : answerNot(reply, outcome);
}

function decodeDemand(texts: readonly string[]): Record<string, number> {
  try {
    return parseDemand(texts);
  } catch (error) {
    if (error instanceof RangeError) throw new ControlError(error.message, { status: 400, cause: error });
    throw error;
  }
}
