import { setTimeout as pause } from 'node:timers/promises';

export interface UntilOptions {
  timeoutMs?: number;
  everyMs?: number;
}

type Settled<T> = Exclude<T, null | undefined | false>;

/** Asks again and again until the probe answers something other than null, undefined or false. */
export async function until<T>(
  what: string,
  probe: () => Promise<T> | T,
  { timeoutMs = 15_000, everyMs = 50 }: UntilOptions = {},
): Promise<Settled<T>> {
  const deadline = performance.now() + timeoutMs;
  let failure: unknown;
  do {
    try {
      const answer = await probe();
      if (answer !== null && answer !== undefined && answer !== false) return answer as Settled<T>;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await pause(everyMs);
  } while (performance.now() < deadline);
  const reason = failure instanceof Error ? `: ${failure.message}` : '';
  throw new Error(`waited ${timeoutMs} ms in vain until ${what}${reason}`, { cause: failure });
}
