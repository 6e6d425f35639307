import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { invalidField } from '../kernel/errors.js';
import type { IdempotentRequest } from './idempotency.store.js';
import { findPrincipal, idempotencyKeyOf } from './request-state.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Null when the request has no key, or nobody to remember it for. */
export function findIdempotentRequest(request: FastifyRequest): IdempotentRequest | null {
  const key = idempotencyKeyOf(request);
  const principal = findPrincipal(request);
  if (key === null || principal === null) return null;
  if (!KEY.test(key)) throw invalidField('Idempotency-Key', 'must have 1 to 255 printable ASCII characters');
  return { apiKeyId: principal.id, key, hash: hashOf(request) };
}

/** Two requests are the same when route, query and body are; the order of a body's fields does not matter. */
function hashOf({ method, url, body }: FastifyRequest): string {
  return createHash('sha256')
    .update(`${method} ${url}\n${canonicalJson(body)}`)
    .digest('hex');
}

export function canonicalJson(value: unknown): string {
  return JSON.stringify(value ?? null, (_name, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
