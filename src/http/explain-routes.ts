/** The route that says why nodes are or are not launched. */
import { z } from 'zod';
import type { ExplainApi, ExplainQuery } from '../ports/control.js';
import { ControlError } from './control-error.js';
import type { ControlApp } from './typed-routes.js';
import { explainView, problemView } from './view-schemas.js';

const nameMax = 255;

const querystring = z.strictObject({
  label: z.string().min(1).max(nameMax).optional(),
  provider: z.string().min(1).max(nameMax).optional(),
  node: z.coerce.number().int().positive().optional(),
  since: z.coerce.number().min(0).optional(),
});

export function addExplainRoutes(app: ControlApp, api: ExplainApi): void {
  app.get(
    '/api/v1/explain',
    {
      schema: {
        summary: 'Why nodes are or are not launched: of a label, a provider, a node, or all labels',
        querystring,
        response: { 200: explainView, 400: problemView, 404: problemView },
      },
    },
    async ({ query }) => {
      const about = questionOf(query);
      const explained = await api.explain(about);
      if (explained !== null) return explained;
      throw new ControlError(`there is no ${nameOf(about)}`, {
        status: 404,
        next: 'nodepool list and tree show what there is',
      });
    },
  );
}

function questionOf({ label, provider, node, since }: z.output<typeof querystring>): ExplainQuery {
  if ([label, provider, node].filter(each => each !== undefined).length > 1) {
    throw new ControlError('one of label, provider and node can be explained at once', { status: 400 });
  }
  return {
    ...(label === undefined ? {} : { label }),
    ...(provider === undefined ? {} : { provider }),
    ...(node === undefined ? {} : { node }),
    ...(since === undefined ? {} : { since }),
  };
}

function nameOf({ label, provider, node }: ExplainQuery): string {
  if (label !== undefined) return `label ${label}`;
  return provider === undefined ? `node ${node ?? ''}` : `provider ${provider}`;
}
