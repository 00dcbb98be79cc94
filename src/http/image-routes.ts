/** The routes about images, by provider and name or by the id of a snapshot. */
import type { FastifyReply } from 'fastify';
import { whereListed } from '../domain/where-listed.js';
import { z } from 'zod';
import type { ImageApi, ImageOutcome } from '../ports/control.js';
import { answerNot } from './answer.js';
import { ControlError } from './control-error.js';
import type { ControlApp } from './typed-routes.js';
import { imageStatusView, imageView, problemView } from './view-schemas.js';

const nameMax = 255;

const idParams = z.object({ id: z.coerce.number().int().positive() });
const imageName = { provider: z.string().min(1).max(nameMax), image: z.string().min(1).max(nameMax) };
const statusQuery = z.object(imageName);
const buildBody = z.strictObject(imageName);
const pauseBody = z.strictObject({ ...imageName, isPaused: z.boolean() });

/** With the row that it was about; null where there is none any more. */
const answers = {
  200: z.object({ image: imageView.nullable() }),
  404: problemView,
  409: problemView,
  500: problemView,
};

export function addImageRoutes(app: ControlApp, api: ImageApi): void {
  app.get('/api/v1/images', { schema: { summary: 'Snapshot images', response: { 200: z.array(imageView) } } }, () =>
    api.images(),
  );
  app.get(
    '/api/v1/images/status',
    {
      schema: {
        summary: 'What nodes boot from, what is built and why, how the last build ended',
        querystring: statusQuery,
        response: { 200: imageStatusView, 404: problemView },
      },
    },
    async ({ query: name }) => {
      const status = await api.imageStatus(name);
      if (status !== null) return status;
      const message = `there is no image ${name.image} of ${name.provider}`;
      throw new ControlError(message, { status: 404, next: whereListed.image });
    },
  );
  addImageCommands(app, api);
}

function addImageCommands(app: ControlApp, api: ImageApi): void {
  app.post(
    '/api/v1/images/build',
    { schema: { summary: 'Begins a build, or joins the one under way', body: buildBody, response: answers } },
    async ({ body }, reply) => answer(reply, await api.updateImage(body)),
  );
  app.post(
    '/api/v1/images/pause',
    { schema: { summary: 'Stops or resumes the builds of an image', body: pauseBody, response: answers } },
    async ({ body: { isPaused, ...name } }, reply) => answer(reply, await api.pauseImage(name, isPaused)),
  );
  app.delete(
    '/api/v1/images/:id',
    { schema: { summary: 'Deletes an image; the one before it is current then', params: idParams, response: answers } },
    async ({ params: { id } }, reply) => answer(reply, await api.deleteImage(id)),
  );
}

function answer(reply: FastifyReply, outcome: ImageOutcome): FastifyReply {
  return outcome.kind === 'done' ? reply.send({ image: outcome.image }) : answerNot(reply, outcome);
}
