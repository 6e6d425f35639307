import { DOCS } from './paths.js';

const ALWAYS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
} as const;

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Swagger UI sets styles in its elements and draws with data: URLs; its scripts all come as files. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ONE_YEAR_SECONDS = 31_536_000;

const API_HEADERS = { ...ALWAYS, 'Content-Security-Policy': API_POLICY };
const DOCS_HEADERS = { ...ALWAYS, 'Content-Security-Policy': DOCS_POLICY };
const DOCS_PATH = new RegExp(`^/${DOCS}([/?]|$)`);

/** The headers of every answer. A browser ignores Strict-Transport-Security without TLS (RFC 6797, 7.2). */
export function securityHeaders(url: string, protocol: string): Record<string, string> {
  const headers = DOCS_PATH.test(url) ? DOCS_HEADERS : API_HEADERS;
  if (protocol !== 'https') return headers;
  return { ...headers, 'Strict-Transport-Security': `max-age=${ONE_YEAR_SECONDS}` };
}
