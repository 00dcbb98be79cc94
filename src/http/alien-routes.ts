/** The routes of what the clouds have and no row names. They ask the clouds, and change nothing. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AlienApi } from '../ports/control.js';
import { decode } from './answer.js';
import { ControlError } from './control-error.js';

const nameMax = 255;
const providerQuery = z.object({ provider: z.string().min(1).max(nameMax).nullable().default(null) });

export function addAlienRoutes(app: FastifyInstance, api: AlienApi): void {
  app.get('/api/v1/aliens/servers', async request => {
    const { provider } = decode(providerQuery, request.query);
    return found(provider, await api.alienServers(provider));
  });
  app.get('/api/v1/aliens/images', async request => {
    const { provider } = decode(providerQuery, request.query);
    return found(provider, await api.alienImages(provider));
  });
}

function found<View>(provider: string | null, view: View | null): View {
  if (view !== null) return view;
  throw new ControlError(`there is no provider ${provider ?? ''}`, {
    status: 404,
    next: 'nodepool tree /providers shows those that there are',
  });
}
