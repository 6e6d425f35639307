/** What each error code means to a client. Codes are stable; titles and details may change. */
export const ERROR_CATALOGUE = {
  VALIDATION_FAILED: { status: 400, title: 'The request is not valid', retryable: false },
  MALFORMED_BODY: { status: 400, title: 'The body is not valid JSON', retryable: false },
  MALFORMED_REQUEST: { status: 400, title: 'The request is not valid HTTP', retryable: false },
  INVALID_CURSOR: { status: 400, title: 'The cursor is not valid', retryable: false },
  UNAUTHENTICATED: { status: 401, title: 'An API key is needed', retryable: false },
  INSUFFICIENT_SCOPE: { status: 403, title: 'The API key lacks the scope', retryable: false },
  ADDRESS_NOT_ALLOWED: {
    status: 403,
    title: 'The API key may not be used from this address',
    retryable: false,
  },
  EXCEEDS_OWN_RIGHTS: {
    status: 403,
    title: 'An API key cannot give more than it has',
    retryable: false,
  },
  NOT_FOUND: { status: 404, title: 'Not found', retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed', retryable: false },
  REQUEST_TIMED_OUT: { status: 408, title: 'The request came too slowly', retryable: true },
  CONFLICT: { status: 409, title: 'In conflict with the present state', retryable: false },
  RESOURCE_BUSY: { status: 409, title: 'Another operation works on it', retryable: true },
  LOCKS_OUT_CALLER: {
    status: 409,
    title: 'The change would shut out the address it comes from',
    retryable: false,
  },
  DELETION_PROTECTED: { status: 409, title: 'Protected against deletion', retryable: false },
  IDEMPOTENCY_KEY_REUSED: {
    status: 409,
    title: 'The Idempotency-Key was used with another request',
    retryable: false,
  },
  IDEMPOTENCY_KEY_IN_USE: {
    status: 409,
    title: 'A request with this Idempotency-Key is being worked on',
    retryable: true,
  },
  AMBIGUOUS_NAME: { status: 409, title: 'More than one resource has this name', retryable: false },
  OWNERSHIP_MISMATCH: {
    status: 409,
    title: 'The object on the server is not the one Rowhouse made',
    retryable: false,
  },
  NO_ROOM: { status: 409, title: 'No hosting database has room', retryable: false },
  OPERATION_CANCELLED: { status: 409, title: 'The operation was cancelled', retryable: false },
  PRECONDITION_FAILED: { status: 412, title: 'It was changed meanwhile', retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large', retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The content type is not supported', retryable: false },
  SQL_ERROR: { status: 400, title: 'PostgreSQL refused the statement', retryable: false },
  PRECONDITION_REQUIRED: { status: 428, title: 'An If-Match header is needed', retryable: false },
  ADDRESS_BANNED: { status: 429, title: 'The address is banned for a while', retryable: true },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large', retryable: false },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retryable: true },
  OPERATION_FAILED: { status: 500, title: 'The operation failed', retryable: false },
  INTERNAL: { status: 500, title: 'Internal error', retryable: false },
  STATEMENT_TIMED_OUT: { status: 504, title: 'The statement ran out of time', retryable: false },
  SERVICE_UNAVAILABLE: { status: 503, title: 'A needed service does not answer', retryable: true },
  OPERATION_TIMED_OUT: { status: 504, title: 'The operation ran out of time', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** One bad field of a request, named as the client wrote it (`maxConnections`, `timeouts.lockMs`). */
export interface FieldError {
  field: string;
  message: string;
}

export interface RowhouseErrorOptions {
  errors?: readonly FieldError[];
  /** Extra response headers, such as Retry-After. */
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** The one error class: what a client may know. The cause is for the log only. */
export class RowhouseError extends Error {
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    options: RowhouseErrorOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = 'RowhouseError';
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  get title(): string {
    return ERROR_CATALOGUE[this.code].title;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }
}

export function invalidField(field: string, message: string): RowhouseError {
  return new RowhouseError('VALIDATION_FAILED', `${field}: ${message}`, { errors: [{ field, message }] });
}

/** The field names what only one may have, and another has it. */
export function taken(field: string, detail: string, message = 'is taken'): RowhouseError {
  return new RowhouseError('CONFLICT', detail, { errors: [{ field, message }] });
}

export function notFound(what: string, id: string): RowhouseError {
  return new RowhouseError('NOT_FOUND', `There is no ${what} with the id ${id}.`);
}
