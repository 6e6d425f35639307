import type { FastifyRequest } from 'fastify';
import { parsePrefer } from './prefer.js';
import { type Principal, type RequestContext, UNBOUND } from './request-context.js';

const ANONYMOUS: Principal = {
  type: 'system',
  id: 'anonymous',
  name: 'anonymous',
  scopes: [],
  ...UNBOUND,
};

/** Kept on the request itself: a WeakMap of short-lived keys costs the garbage collector more than all the rest here. */
const STATE = Symbol('rowhouse request state');

interface RequestState {
  readonly principal: Principal | null;
  context: RequestContext | null;
}

type Stateful = FastifyRequest & { [STATE]?: RequestState };

/** Remembers who asks, once the key is known to be good. */
export function setPrincipal(request: FastifyRequest, principal: Principal): void {
  (request as Stateful)[STATE] = { principal, context: null };
}

export function clearPrincipal(request: FastifyRequest): void {
  (request as Stateful)[STATE] = undefined;
}

export function findPrincipal(request: FastifyRequest): Principal | null {
  return (request as Stateful)[STATE]?.principal ?? null;
}

/** What services get to know of the request. Whoever asks an open route without a key is `anonymous`. */
export function requestContext(request: Stateful): RequestContext {
  const state = request[STATE] ?? { principal: null, context: null };
  request[STATE] = state;
  state.context ??= toContext(request, state.principal ?? ANONYMOUS);
  return state.context;
}

function toContext(request: FastifyRequest, principal: Principal): RequestContext {
  return {
    principal,
    requestId: request.id,
    address: request.ip ?? null,
    waitMs: parsePrefer(request.headers['prefer']).waitMs,
    idempotencyKey: idempotencyKeyOf(request),
  };
}

/** Only a POST has one; on other methods the header means nothing. */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (request.method !== 'POST' || header === undefined) return null;
  return Array.isArray(header) ? (header[0] ?? '') : header;
}
