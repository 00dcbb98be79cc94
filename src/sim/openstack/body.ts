import { badRequest } from './errors.js';

/** The JSON object of a request, or Nova's refusal of anything else. */
export function parseObject(body: string): object {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Answered below, like every other body that is not an object.
  }
  throw badRequest('Malformed request body');
}
