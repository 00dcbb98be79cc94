/** The control API's routes: each asks the daemon one thing and answers with the view it got. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { CommandOutcome, ControlApi, JobOutcome } from '../ports/control.js';
import { answerNot, decode, sendProblem } from './answer.js';
import { ControlError } from './control-error.js';
import { parseDemand } from './demand-query.js';
import { keptMax, type EventStream } from './event-stream.js';
import { addAlienRoutes } from './alien-routes.js';
import { addExplainRoutes } from './explain-routes.js';
import { addImageRoutes } from './image-routes.js';
import { addLookRoutes } from './look-routes.js';

/** The column that keeps the reason has 255 characters. */
const reasonMax = 255;
/** Ten years: a hold for longer has no end. */
const holdMsMax = 10 * 366 * 86_400_000;
const pathMax = 1_024;
const demandsMax = 1_000;

const nodeParams = z.object({ id: z.coerce.number().int().positive() });
const treeQuery = z.object({ path: z.string().max(pathMax).default('/') });
const planQuery = z.object({ demand: z.union([z.string(), z.array(z.string()).max(demandsMax)]).default([]) });
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

export function addRoutes(
  app: FastifyInstance,
  parts: { api: ControlApi; events: EventStream; version: string },
): void {
  addHealth(app, parts.api, parts.version);
  addReads(app, parts.api, parts.events);
  addCommands(app, parts.api);
  addImageRoutes(app, parts.api);
  addAlienRoutes(app, parts.api);
  addLookRoutes(app, parts.api);
  addExplainRoutes(app, parts.api);
}

function addHealth(app: FastifyInstance, api: ControlApi, version: string): void {
  app.get('/healthz', () => ({ status: 'ok', version }));
  app.get('/readyz', async (_request, reply) => {
    const readiness = await api.readiness();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await api.metrics()),
  );
}

function addReads(app: FastifyInstance, api: ControlApi, events: EventStream): void {
  app.get('/api/v1/jobs', () => api.jobs());
  app.get('/api/v1/tree', async request => {
    const { path } = decode(treeQuery, request.query);
    const tree = await api.tree(path);
    if (tree === null) {
      throw new ControlError(`no actor has the path ${path}`, { status: 404, next: 'nodepool tree lists them all' });
    }
    return tree;
  });
  app.get('/api/v1/plan', async request => {
    const { demand } = decode(planQuery, request.query);
    return api.plan(decodeDemand([demand].flat()));
  });
  app.get('/api/v1/events', { exposeHeadRoute: false }, (request, reply) => {
    const { last } = decode(eventsQuery, request.query);
    events.serve(request.raw, reply.raw, last);
    reply.hijack();
  });
}

function addCommands(app: FastifyInstance, api: ControlApi): void {
  app.post('/api/v1/nodes/:id/hold', async (request, reply) => {
    const { id } = decode(nodeParams, request.params);
    return answer(reply, await api.hold(id, decode(holdBody, request.body ?? undefined)));
  });
  app.post('/api/v1/nodes/:id/release', async (request, reply) => {
    const { id } = decode(nodeParams, request.params);
    return answer(reply, await api.release(id));
  });
  app.delete('/api/v1/nodes/:id', async (request, reply) => {
    const { id } = decode(nodeParams, request.params);
    const { now } = decode(deleteQuery, request.query);
    return answer(reply, await api.delete(id, { now: now === '1' }));
  });
  app.post('/api/v1/jobs', async (request, reply) => {
    return answerJob(reply, await api.createJob(decode(jobBody, request.body)));
  });
  app.delete('/api/v1/jobs/:id', async (request, reply) => {
    const { id } = decode(nodeParams, request.params);
    return answerJob(reply, await api.deleteJob(id));
  });
  app.post('/api/v1/reload', async (_request, reply) => {
    const outcome = await api.reload();
    switch (outcome.kind) {
      case 'done':
        return reply.send({ changes: outcome.changes, problems: outcome.problems });
      case 'refused':
        return reply.code(422).send({ problems: outcome.problems });
      case 'failed':
        return sendProblem(reply, 500, outcome.message, 'see the log of nodepoold');
    }
  });
  app.post('/api/v1/providers/:provider/tune', async (request, reply) => {
    const { provider } = decode(tuneParams, request.params);
    return answer(reply, await api.tune(provider, decode(tuneBody, request.body)));
  });
  app.post('/api/v1/restart', async (request, reply) => {
    const { path } = decode(restartBody, request.body);
    return answer(reply, await api.restart(path));
  });
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
