import { isTimeout, isUnavailable } from '../infra/postgres/sqlstate.js';
import { RowhouseError } from '../kernel/errors.js';
import { maskText } from '../kernel/masking.js';
import type { OperationError, OperationHandler } from './operation.types.js';

const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;

export const CANCELLED: OperationError = {
  code: 'OPERATION_CANCELLED',
  message: 'The operation was cancelled.',
};

export const TIMED_OUT: OperationError = {
  code: 'OPERATION_TIMED_OUT',
  message: 'The operation did not end before its deadline.',
};

export const INTERRUPTED: OperationError = {
  code: 'OPERATION_FAILED',
  message: 'The operation was interrupted too often.',
};

/** What a client may know of an error; everything else is for the log. */
export function toOperationError(error: unknown): OperationError {
  if (error instanceof RowhouseError) return { code: error.code, message: maskText(error.detail) };
  if (isUnavailable(error)) {
    return { code: 'SERVICE_UNAVAILABLE', message: 'PostgreSQL or PgBouncer does not answer.' };
  }
  return { code: 'OPERATION_FAILED', message: 'The operation failed because of an internal error.' };
}

export interface FailedAttempt {
  readonly error: unknown;
  /** Counts from 1. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Until the deadline. */
  readonly remainingMs: number;
  readonly whenUnavailable: OperationHandler['whenUnavailable'];
}

/** How long to wait before the next attempt; null when there shall be none. */
export function retryDelay(attempt: FailedAttempt, random: () => number = Math.random): number | null {
  if (attempt.attempts >= attempt.maxAttempts || !isWorthRetrying(attempt)) return null;
  const delayMs = backoff(attempt.attempts, random);
  return delayMs < attempt.remainingMs ? delayMs : null;
}

/** Doubles from 1 s to 60 s; its upper half is random, so that what failed together is not tried again together. */
function backoff(attempts: number, random: () => number): number {
  const full = Math.min(MIN_DELAY_MS * 2 ** Math.min(attempts, 16), MAX_DELAY_MS);
  return Math.max(MIN_DELAY_MS, Math.round(full * (0.5 + random() / 2)));
}

function isWorthRetrying({ error, whenUnavailable }: FailedAttempt): boolean {
  if (isTimeout(error)) return true;
  const isRowhouse = error instanceof RowhouseError;
  if (isUnavailable(error) || (isRowhouse && error.code === 'SERVICE_UNAVAILABLE')) {
    return whenUnavailable === 'retry';
  }
  return isRowhouse ? error.retryable : true;
}
