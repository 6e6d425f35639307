import { isUnavailable, SQLSTATE } from '../../../infra/postgres/sqlstate.js';
import { VersionFailed } from '../../../provisioning/tenancy/versions/version-failure.js';

const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 10_000;

/** Somebody was in the way, and will not be for ever. */
const PASSING: ReadonlySet<string> = new Set([
  SQLSTATE.lockNotAvailable,
  SQLSTATE.deadlockDetected,
  SQLSTATE.serializationFailure,
]);

export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof VersionFailed) return PASSING.has(error.problem.sqlstate ?? '');
  return isUnavailable(error);
}

/** Doubles with each attempt; its upper half is random, so that what met once does not meet again. */
export function retryDelay(attempts: number, random: () => number = Math.random): number {
  const full = Math.min(MIN_DELAY_MS * 2 ** Math.min(attempts, 16), MAX_DELAY_MS);
  return Math.round(full * (0.5 + random() / 2));
}
