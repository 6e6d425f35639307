import { setTimeout as wait } from 'node:timers/promises';
import { RowhouseError } from '../kernel/errors.js';

const INTERVAL_MS = 20;

export interface Patience {
  readonly timeoutMs: number;
  /** Completes "Waited in vain for …". */
  readonly what: string;
}

/** Asks again and again until the answer is true. Throws SERVICE_UNAVAILABLE when the time is over. */
export async function pollUntil(ask: () => Promise<boolean>, { timeoutMs, what }: Patience): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!(await ask())) {
    if (performance.now() > giveUpAt) {
      throw new RowhouseError('SERVICE_UNAVAILABLE', `Waited in vain for ${what}.`);
    }
    await wait(INTERVAL_MS);
  }
}
