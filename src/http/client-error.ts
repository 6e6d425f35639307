import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, RowhouseError } from '../kernel/errors.js';
import { PROBLEM_CONTENT_TYPE } from './problem.js';
import { securityHeaders } from './security-headers.js';
import { renderProblem } from './to-problem.js';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMED_OUT',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

const DETAILS: Partial<Record<ErrorCode, string>> = {
  REQUEST_TIMED_OUT: 'The request did not arrive whole in time.',
  HEADERS_TOO_LARGE: 'The headers are larger than this server accepts.',
};

/** Answers what never became a request, straight on its socket, and closes that. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CODES[error.code ?? ''] ?? 'MALFORMED_REQUEST';
  const problem = new RowhouseError(code, DETAILS[code] ?? 'This is no HTTP request that could be read.');
  socket.end(renderResponse(problem), () => socket.destroy());
}

function renderResponse(problem: RowhouseError): string {
  const requestId = randomUUID();
  const body = JSON.stringify(renderProblem(problem, requestId));
  const headers = {
    ...securityHeaders('/', 'http'),
    'X-Request-Id': requestId,
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n');
}
