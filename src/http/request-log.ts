import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { findPrincipal } from './request-state.js';

/** Writes one line a request. */
export function logRequests(server: FastifyInstance): void {
  const logger = new Logger('http');
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? request.url.split('?')[0];
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    logger.log({
      msg: `${request.method} ${route} ${reply.statusCode}`,
      request_id: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms,
      key_id: findPrincipal(request)?.id,
    });
    done();
  });
}
