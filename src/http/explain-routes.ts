/** The route that says why nodes are or are not launched. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ExplainApi, ExplainQuery } from '../ports/control.js';
import { decode } from './answer.js';
import { ControlError } from './control-error.js';

const nameMax = 255;

const query = z.strictObject({
  label: z.string().min(1).max(nameMax).optional(),
  provider: z.string().min(1).max(nameMax).optional(),
  node: z.coerce.number().int().positive().optional(),
  since: z.coerce.number().min(0).optional(),
});

export function addExplainRoutes(app: FastifyInstance, api: ExplainApi): void {
  app.get('/api/v1/explain', async request => {
    const { label, provider, node, since } = decode(query, request.query);
    if ([label, provider, node].filter(each => each !== undefined).length > 1) {
      throw new ControlError('one of label, provider and node can be explained at once', { status: 400 });
    }
    const about: ExplainQuery = {
      ...(label === undefined ? {} : { label }),
      ...(provider === undefined ? {} : { provider }),
      ...(node === undefined ? {} : { node }),
      ...(since === undefined ? {} : { since }),
    };
    const explained = await api.explain(about);
    if (explained !== null) return explained;
    throw new ControlError(`there is no ${nameOf(about)}`, {
      status: 404,
      next: 'nodepool list and tree show what there is',
    });
  });
}

function nameOf({ label, provider, node }: ExplainQuery): string {
  if (label !== undefined) return `label ${label}`;
  return provider === undefined ? `node ${node ?? ''}` : `provider ${provider}`;
}
