/** The routes about images, by provider and name or by the id of a snapshot. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ImageApi, ImageOutcome } from '../ports/control.js';
import { answerNot, decode } from './answer.js';
import { ControlError } from './control-error.js';

const nameMax = 255;

const idParams = z.object({ id: z.coerce.number().int().positive() });
const imageName = { provider: z.string().min(1).max(nameMax), image: z.string().min(1).max(nameMax) };
const statusQuery = z.object(imageName);
const buildBody = z.strictObject(imageName);
const pauseBody = z.strictObject({ ...imageName, isPaused: z.boolean() });

export function addImageRoutes(app: FastifyInstance, api: ImageApi): void {
  app.get('/api/v1/images', () => api.images());
  app.get('/api/v1/images/status', async request => {
    const name = decode(statusQuery, request.query);
    const status = await api.imageStatus(name);
    if (status !== null) return status;
    const message = `there is no image ${name.image} of ${name.provider}`;
    throw new ControlError(message, { status: 404, next: 'nodepool tree shows the images of each provider' });
  });
  app.post('/api/v1/images/build', async (request, reply) =>
    answer(reply, await api.updateImage(decode(buildBody, request.body))),
  );
  app.post('/api/v1/images/pause', async (request, reply) => {
    const { isPaused, ...name } = decode(pauseBody, request.body);
    return answer(reply, await api.pauseImage(name, isPaused));
  });
  app.delete('/api/v1/images/:id', async (request, reply) =>
    answer(reply, await api.deleteImage(decode(idParams, request.params).id)),
  );
}

function answer(reply: FastifyReply, outcome: ImageOutcome): FastifyReply {
  return outcome.kind === 'done' ? reply.send({ image: outcome.image }) : answerNot(reply, outcome);
}
