/** What all routes have in common: what was not done is said with its status. */
import type { FastifyReply } from 'fastify';
import type { CommandOutcome } from '../ports/control.js';
import { problem } from './control-error.js';

export function answerNot(reply: FastifyReply, outcome: Exclude<CommandOutcome, { kind: 'done' }>): FastifyReply {
  switch (outcome.kind) {
    case 'not-found':
      return sendProblem(reply, 404, outcome.message, outcome.next);
    case 'refused':
      return sendProblem(reply, 409, outcome.message, outcome.next);
    case 'failed':
      return sendProblem(reply, 500, outcome.message, 'see the log of nodepoold and nodepool tree');
  }
}

export function sendProblem(
  reply: FastifyReply,
  status: number,
  detail: string,
  next: string | null = null,
): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .send(problem(status, detail, next));
}
