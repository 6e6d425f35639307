export const DEFAULT_WAIT_MS = 30_000;
const MAX_WAIT_SECONDS = 300;

/** How long the client waits for its operation. `applied`: what Preference-Applied answers, null if it asked nothing. */
export interface WaitPreference {
  readonly waitMs: number;
  readonly applied: string | null;
}

/**
 * Reads `Prefer: wait=N` and `Prefer: respond-async`. What it does not understand is ignored, as RFC 7240 asks. Of both
 * together, the wait holds: answer at once only when the time is over (RFC 7240, 4.3).
 */
export function parsePrefer(header: string | string[] | undefined): WaitPreference {
  const preferences = [header ?? []].flat().join(',').split(',').map(parsePreference);
  const wait = preferences.find(({ name, value }) => name === 'wait' && isWait(value));
  if (wait) return { waitMs: Number(wait.value) * 1000, applied: `wait=${Number(wait.value)}` };
  if (preferences.some(({ name }) => name === 'respond-async'))
    return { waitMs: 0, applied: 'respond-async' };
  return { waitMs: DEFAULT_WAIT_MS, applied: null };
}

function parsePreference(text: string): { name: string; value: string } {
  const [name = '', value = ''] = (text.split(';')[0] ?? '').split('=');
  return { name: name.trim().toLowerCase(), value: value.trim().replace(/^"(.*)"$/, '$1') };
}

function isWait(value: string): boolean {
  return /^\d{1,3}$/.test(value) && Number(value) <= MAX_WAIT_SECONDS;
}
