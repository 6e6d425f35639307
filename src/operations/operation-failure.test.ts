import { expect, test } from 'vitest';
import { RowhouseError } from '../kernel/errors.js';
import { type FailedAttempt, retryDelay, toOperationError } from './operation-failure.js';

const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const attempt = (changes: Partial<FailedAttempt> = {}): FailedAttempt => ({
  error: new Error('boom'),
  attempts: 1,
  maxAttempts: 10,
  remainingMs: 3_600_000,
  whenUnavailable: 'retry',
  ...changes,
});

test('waits twice as long after each attempt, from one second to sixty', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7].map((attempts) => retryDelay(attempt({ attempts }), () => 0));

  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(retryDelay(attempt({ attempts: 9 }), () => 1)).toBe(60_000);
});

test('gives up after the last attempt and when the deadline comes before the next', () => {
  expect(retryDelay(attempt({ attempts: 10 }))).toBeNull();
  expect(retryDelay(attempt({ remainingMs: 500 }))).toBeNull();
});

test('waits for a server that is away only if the handler wants it', () => {
  expect(retryDelay(attempt({ error: away }))).not.toBeNull();
  expect(retryDelay(attempt({ error: away, whenUnavailable: 'fail' }))).toBeNull();
  expect(
    retryDelay(attempt({ error: new RowhouseError('SERVICE_UNAVAILABLE', 'away'), whenUnavailable: 'fail' })),
  ).toBeNull();
});

test('tries again where only patience ended: a busy server is not away', () => {
  for (const message of [
    'timeout expired',
    'timeout exceeded when trying to connect',
    'Connection terminated due to connection timeout',
    'Query read timeout',
  ]) {
    expect(retryDelay(attempt({ error: new Error(message), whenUnavailable: 'fail' }))).not.toBeNull();
  }
});

test('does not repeat what would be refused again', () => {
  expect(retryDelay(attempt({ error: new RowhouseError('OWNERSHIP_MISMATCH', 'not ours') }))).toBeNull();
  expect(retryDelay(attempt({ error: new RowhouseError('RESOURCE_BUSY', 'busy') }))).not.toBeNull();
});

test('tells clients the code and detail of known errors, and nothing of unknown ones', () => {
  expect(toOperationError(new RowhouseError('CONFLICT', 'see postgres://a:secret@h/d'))).toEqual({
    code: 'CONFLICT',
    message: 'see postgres://a:***@h/d',
  });
  expect(toOperationError(away).code).toBe('SERVICE_UNAVAILABLE');
  expect(toOperationError(new Error('relation "x" is missing'))).toEqual({
    code: 'OPERATION_FAILED',
    message: 'The operation failed because of an internal error.',
  });
});
