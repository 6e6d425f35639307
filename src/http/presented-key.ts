import type { IncomingHttpHeaders } from 'node:http';

export const KEY_HEADER = 'x-api-key';
export const BEARER_PREFIX = 'Bearer ';

/**
 * The scheme's name is case-insensitive (RFC 9110, 11.1); the strategies compare it as it is written here. A request has
 * one key: beside a good one, guesses in the other header would go uncounted.
 */
export function normaliseAuthorization(headers: IncomingHttpHeaders): void {
  if (headers[KEY_HEADER] !== undefined) delete headers.authorization;
  const { authorization } = headers;
  if (authorization) headers.authorization = authorization.replace(/^bearer +/i, BEARER_PREFIX);
}

export function findPresentedKey(headers: IncomingHttpHeaders): string | null {
  const header = headers[KEY_HEADER];
  if (typeof header === 'string') return header;
  const { authorization } = headers;
  return authorization?.startsWith(BEARER_PREFIX) ? authorization.slice(BEARER_PREFIX.length) : null;
}
