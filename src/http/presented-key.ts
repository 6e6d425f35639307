import type { IncomingHttpHeaders } from 'node:http';

const KEY_HEADER = 'x-api-key';

/**
 * A request has one key: beside a good one, guesses in the other header would go uncounted. An empty header, as proxies
 * and generated clients send it, is none. The scheme's name is case-insensitive (RFC 9110, 11.1).
 */
export function findPresentedKey(headers: IncomingHttpHeaders): string | null {
  const header = headers[KEY_HEADER];
  if (typeof header === 'string' && header !== '') return header;
  return /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}
