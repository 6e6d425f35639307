import { HttpException } from '@nestjs/common';
import { isTransactionConflict, isUnavailable } from '../infra/postgres/sqlstate.js';
import { type ErrorCode, RowhouseError } from '../kernel/errors.js';
import { maskText } from '../kernel/masking.js';
import { type Problem, problemType } from './problem.js';

const RETRY_AFTER_SECONDS = '2';

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'VALIDATION_FAILED',
  401: 'UNAUTHENTICATED',
  403: 'INSUFFICIENT_SCOPE',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMED_OUT',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  414: 'VALIDATION_FAILED',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMITED',
  431: 'HEADERS_TOO_LARGE',
  503: 'SERVICE_UNAVAILABLE',
};

/** What the client may know of any error. */
export function toRowhouseError(error: unknown): RowhouseError {
  if (error instanceof RowhouseError) return error;
  if (isUnavailable(error)) return unavailable(error);
  if (isTransactionConflict(error)) return crowded(error);
  const status = statusOf(error);
  const code = status === null ? undefined : CODE_BY_STATUS[status];
  if (!code)
    return new RowhouseError('INTERNAL', 'Something went wrong; the log has the details.', { cause: error });
  return new RowhouseError(code, DETAILS[code] ?? (error as Error).message, { cause: error });
}

export function renderProblem(error: RowhouseError, requestId: string): Problem {
  return {
    success: false,
    type: problemType(error.code),
    title: error.title,
    status: error.status,
    detail: maskText(error.detail),
    code: error.code,
    request_id: requestId,
    retryable: error.retryable,
    ...(error.errors.length > 0 ? { errors: [...error.errors] } : {}),
  };
}

const DETAILS: Partial<Record<ErrorCode, string>> = {
  PAYLOAD_TOO_LARGE: 'The body is larger than this server accepts; BODY_LIMIT_BYTES sets the limit.',
  UNSUPPORTED_MEDIA_TYPE: 'Send the body as application/json.',
  NOT_FOUND: 'There is no such route.',
};

function unavailable(cause: unknown): RowhouseError {
  return new RowhouseError('SERVICE_UNAVAILABLE', 'The database server does not answer at the moment.', {
    headers: { 'Retry-After': RETRY_AFTER_SECONDS },
    cause,
  });
}

function crowded(cause: unknown): RowhouseError {
  return new RowhouseError(
    'SERVICE_UNAVAILABLE',
    'Too many requests changed the same at once; nothing was done.',
    {
      headers: { 'Retry-After': '1' },
      cause,
    },
  );
}

function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}
