/** The routes of what the live page looks at. They change nothing. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ControlApi, NodeView } from '../ports/control.js';
import { decode } from './answer.js';
import { ControlError } from './control-error.js';

/** Some 500 KB of JSON. */
const pageMax = 1_000;

const idParams = z.object({ id: z.coerce.number().int().positive() });
const nodesQuery = z.object({
  after: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(pageMax).optional(),
});
const historyQuery = z.object({ after: z.coerce.number().min(0).nullable().default(null) });

export function addLookRoutes(app: FastifyInstance, api: Pick<ControlApi, 'nodes' | 'node' | 'providers' | 'history'>) {
  app.get('/api/v1/providers', () => api.providers());
  app.get('/api/v1/history', async request => api.history(decode(historyQuery, request.query).after));
  app.get('/api/v1/nodes', async (request, reply) => {
    const { after, limit } = decode(nodesQuery, request.query);
    const nodes = await api.nodes({
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    });
    return withNextPage(reply, nodes, limit).send(nodes);
  });
  app.get('/api/v1/nodes/:id', async request => {
    const { id } = decode(idParams, request.params);
    const found = await api.node(id);
    if (found !== null) return found;
    throw new ControlError(`there is no node ${id}`, { status: 404, next: 'nodepool list shows those that there are' });
  });
}

/** A page may have fewer nodes than were asked for, because some cannot be read; the one after the last has none. */
function withNextPage(reply: FastifyReply, nodes: readonly NodeView[], limit: number | undefined): FastifyReply {
  const last = nodes.at(-1);
  if (limit === undefined || last === undefined) return reply;
  return reply.header('link', `</api/v1/nodes?after=${last.id}&limit=${limit}>; rel="next"`);
}
