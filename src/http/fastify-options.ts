import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import { answerClientError } from './client-error.js';
import { sendProblem } from './problem.filter.js';
import { securityHeaders } from './security-headers.js';
import { toRowhouseError } from './to-problem.js';

const SANE_REQUEST_ID = /^[\w.:-]{1,128}$/;
const MAX_HEADER_BYTES = 16 * 1024;
/** How often Node looks for requests that take too long to arrive. */
const TIMEOUT_CHECK_MS = 1_000;
/** Longer than the longest `Prefer: wait`. */
const CONNECTION_TIMEOUT_MS = 360_000;

/** The options of the Fastify adapter. */
export function fastifyOptions(config: Config) {
  const server = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: config.http.headersTimeoutMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  return {
    bodyLimit: config.http.bodyLimitBytes,
    trustProxy: toProxyTrust(config),
    requestIdHeader: false as const,
    genReqId,
    requestTimeout: config.http.requestTimeoutMs,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    // The certificate follows before it listens: ApiCertificate.
    ...(config.http.tls ? { https: server } : { http: server }),
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    forceCloseConnections: 'idle' as const,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.header('X-Request-Id', request.id).headers(securityHeaders('/', request.protocol));
      sendProblem(reply, toRowhouseError(error), request.id);
    },
  };
}

function toProxyTrust({ http: { trustProxy } }: Config) {
  if (trustProxy === 1) return (_address: string, hop: number) => hop < trustProxy;
  return trustProxy && [...trustProxy];
}

function genReqId(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
}
