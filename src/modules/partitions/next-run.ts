import { createHash } from 'node:crypto';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** After a run in which something failed, and while one is under way. */
export const RETRY_MINUTES = 60;

/** Between runs for tenants that came since. */
export const REST_MINUTES = 5;

/** The next time of its minute of the day (UTC), which the id chooses, so that policies do not all run at midnight. */
export function nextDailyRun(policyId: string, now: Date): Date {
  const digest = createHash('sha256').update(policyId).digest();
  const offset = (digest.readUInt32BE(0) % (24 * 60)) * MINUTE_MS;
  const midnight = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const today = midnight + offset;
  return new Date(today > now.getTime() ? today : today + DAY_MS);
}

export function retryAfter(now: Date): Date {
  return new Date(now.getTime() + RETRY_MINUTES * MINUTE_MS);
}
