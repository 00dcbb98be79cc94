/** The routes of what the live page looks at. They change nothing. */
import type { FastifyReply } from 'fastify';
import { whereListed } from '../domain/where-listed.js';
import { z } from 'zod';
import type { ControlApi, NodeView } from '../ports/control.js';
import { ControlError } from './control-error.js';
import type { ControlApp } from './typed-routes.js';
import { historyView, nodeStoryView, nodeView, problemView, providerView } from './view-schemas.js';

/** Some 500 KB of JSON. */
const pageMax = 1_000;

const idParams = z.object({ id: z.coerce.number().int().positive() });
const nodesQuery = z.object({
  after: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(pageMax).optional(),
});
const historyQuery = z.object({ after: z.coerce.number().min(0).nullable().default(null) });

export function addLookRoutes(
  app: ControlApp,
  api: Pick<ControlApi, 'nodes' | 'node' | 'providers' | 'history'>,
): void {
  app.get(
    '/api/v1/providers',
    { schema: { summary: 'Each provider in numbers', response: { 200: z.array(providerView) } } },
    () => api.providers(),
  );
  app.get(
    '/api/v1/history',
    {
      schema: { summary: 'The last six hours', querystring: historyQuery, response: { 200: historyView } },
    },
    async ({ query: { after } }) => api.history(after),
  );
  app.get(
    '/api/v1/nodes',
    { schema: { summary: 'Nodes by id, in pages', querystring: nodesQuery, response: { 200: z.array(nodeView) } } },
    async ({ query: { after, limit } }, reply) => {
      const nodes = await api.nodes({
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit }),
      });
      return withNextPage(reply, nodes, limit).send(nodes);
    },
  );
  app.get(
    '/api/v1/nodes/:id',
    {
      schema: {
        summary: 'One node in full and what became of it; of one that is gone `node` is null',
        params: idParams,
        response: { 200: nodeStoryView, 404: problemView },
      },
    },
    async ({ params: { id } }) => {
      const found = await api.node(id);
      if (found !== null) return found;
      throw new ControlError(`there is no node ${id}`, {
        status: 404,
        next: whereListed.node,
      });
    },
  );
}

/** A page may have fewer nodes than were asked for, because some cannot be read; the one after the last has none. */
function withNextPage(reply: FastifyReply, nodes: readonly NodeView[], limit: number | undefined): FastifyReply {
  const last = nodes.at(-1);
  if (limit === undefined || last === undefined) return reply;
  return reply.header('link', `</api/v1/nodes?after=${last.id}&limit=${limit}>; rel="next"`);
}
