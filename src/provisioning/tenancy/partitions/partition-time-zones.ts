import type { CivilTime } from './partition-calendar.js';

const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether this process knows the zone by a name; offsets such as `+01:00` are none. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What clocks in the zone show at an instant. Milliseconds since 1970, both. */
export function toCivil(instant: number, timeZone: string): CivilTime {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const date = Date.UTC(part('year'), part('month') - 1, part('day'));
  const seconds = (part('hour') * 60 + part('minute')) * 60 + part('second');
  return date + seconds * 1000 + (instant - Math.floor(instant / 1000) * 1000);
}

/**
 * The instant at which clocks in the zone show a time. A time that is skipped in spring or comes twice in autumn is what
 * PostgreSQL makes of it (manual, B.2): one hour later, and the second of the two.
 */
export function toInstant(time: CivilTime, timeZone: string): number {
  const candidates = [time - DAY_MS, time + DAY_MS].map((near) => time - offsetAt(near, timeZone));
  const valid = candidates.filter((instant) => toCivil(instant, timeZone) === time);
  return Math.max(...(valid.length > 0 ? valid : candidates));
}

function offsetAt(instant: number, timeZone: string): number {
  return toCivil(instant, timeZone) - instant;
}

/** Making one costs more than a thousand uses of it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}
