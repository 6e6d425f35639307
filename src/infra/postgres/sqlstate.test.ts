import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { expect, test } from 'vitest';
import { isSessionLost, isUnavailable } from './sqlstate.js';

test.each([
  new QueryRunnerAlreadyReleasedError(),
  new QueryRunnerProviderAlreadyReleasedError(),
  new Error('Connection terminated unexpectedly'),
])('%s is a session that was lost, and no fault of the statement', (error) => {
  expect(isUnavailable(error)).toBe(true);
  expect(isSessionLost(error)).toBe(true);
});
