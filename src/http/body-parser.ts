import type { FastifyInstance } from 'fastify';
import { isTooDeep } from './json-depth.js';
import { assertStorable, MAX_DEPTH, malformedBody } from './text-check.js';

/**
 * Takes JSON objects only. A body of no bytes counts as none, since many clients send the content type with every
 * request; a route that needs fields names the missing ones.
 */
export function registerBodyParser(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else if (isTooDeep(body as string))
      done(malformedBody(`must be nested at most ${MAX_DEPTH} levels deep`));
    else parseJson(request, body as string, (error, parsed) => finish(error, parsed, done));
  });
  server.addHook('preValidation', (request, _reply, done) => {
    assertStorable(request.body, 'body');
    assertStorable(request.query, 'query');
    assertStorable(request.params, 'path');
    done();
  });
}

/** `null` is refused here, since a route could not tell it from no body. */
function finish(
  error: Error | null,
  body: unknown,
  done: (error: Error | null, body?: unknown) => void,
): void {
  if (error) done(malformedBody('must be valid JSON', error));
  else if (typeof body !== 'object' || body === null || Array.isArray(body))
    done(malformedBody('must be a JSON object'));
  else done(null, body);
}
