import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import { sendProblem } from './problem.filter.js';
import { toRowhouseError } from './to-problem.js';

const SANE_REQUEST_ID = /^[\w.:-]{1,128}$/;
const MAX_HEADER_BYTES = 16 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the longest `Prefer: wait`. */
const CONNECTION_TIMEOUT_MS = 360_000;

/** The options of the Fastify adapter. */
export function fastifyOptions(config: Config) {
  const server = { maxHeaderSize: MAX_HEADER_BYTES };
  return {
    bodyLimit: config.http.bodyLimitBytes,
    trustProxy: config.http.trustProxy,
    requestIdHeader: false as const,
    genReqId,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    // The certificate follows before it listens: ApiCertificate.
    ...(config.http.tls ? { https: server } : { http: server }),
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    forceCloseConnections: 'idle' as const,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, toRowhouseError(error), request.id),
  };
}

function genReqId(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
}
