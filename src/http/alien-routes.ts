/** The routes of what the clouds have and no row names. They ask the clouds, and change nothing. */
import { z } from 'zod';
import { whereListed } from '../domain/where-listed.js';
import type { AlienApi } from '../ports/control.js';
import { ControlError } from './control-error.js';
import type { ControlApp } from './typed-routes.js';
import { alienImagesView, alienServersView, problemView } from './view-schemas.js';

const nameMax = 255;
const providerQuery = z.object({ provider: z.string().min(1).max(nameMax).nullable().default(null) });

export function addAlienRoutes(app: ControlApp, api: AlienApi): void {
  app.get(
    '/api/v1/aliens/servers',
    {
      schema: {
        summary: 'Servers in the clouds that no row names, asked now',
        querystring: providerQuery,
        response: { 200: alienServersView, 404: problemView },
      },
    },
    async ({ query: { provider } }) => found(provider, await api.alienServers(provider)),
  );
  app.get(
    '/api/v1/aliens/images',
    {
      schema: {
        summary: 'Snapshots in the clouds that no row names, asked now',
        querystring: providerQuery,
        response: { 200: alienImagesView, 404: problemView },
      },
    },
    async ({ query: { provider } }) => found(provider, await api.alienImages(provider)),
  );
}

function found<View>(provider: string | null, view: View | null): View {
  if (view !== null) return view;
  throw new ControlError(`there is no provider ${provider ?? ''}`, {
    status: 404,
    next: whereListed.provider,
  });
}
