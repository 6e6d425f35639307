export type PartitionInterval = 'day' | 'week' | 'month';

/**
 * Milliseconds of a wall clock, as if it stood in UTC: the civil time 2026-11-01 00:00 of any zone is
 * `Date.UTC(2026, 10, 1)`.
 */
export type CivilTime = number;

/** From `start` until before `end`. */
export interface CivilPeriod {
  /** As it stands in partition names: `2026_11`, `2026_w47`, `2026_11_21`. */
  readonly label: string;
  readonly start: CivilTime;
  readonly end: CivilTime;
}

const DAY_MS = 86_400_000;
const THURSDAY = 4;

/** The period that holds a civil time, or the one that many periods after it. */
export function periodAt(interval: PartitionInterval, time: CivilTime, after = 0): CivilPeriod {
  const start = shift(interval, startOf(interval, time), after);
  return { label: labelOf(interval, start), start, end: shift(interval, start, 1) };
}

/** That many months earlier, on the month's last day where it has no such day: PostgreSQL subtracts months so (manual, 9.9). */
export function monthsBefore(time: CivilTime, months: number): CivilTime {
  const date = new Date(time);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - months + 1, 0));
  const day = Math.min(date.getUTCDate(), lastDay.getUTCDate());
  return lastDay.setUTCDate(day) + (time - startOf('day', time));
}

function startOf(interval: PartitionInterval, time: CivilTime): CivilTime {
  const date = new Date(time);
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  if (interval === 'day') return day;
  if (interval === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  return day - (isoWeekday(day) - 1) * DAY_MS;
}

function shift(interval: PartitionInterval, start: CivilTime, by: number): CivilTime {
  if (interval === 'day') return start + by * DAY_MS;
  if (interval === 'week') return start + by * 7 * DAY_MS;
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + by, 1);
}

function labelOf(interval: PartitionInterval, start: CivilTime): string {
  if (interval === 'week') return isoWeekLabel(start);
  const [year = '', month = '', day = ''] = new Date(start).toISOString().slice(0, 10).split('-');
  return interval === 'month' ? `${year}_${month}` : `${year}_${month}_${day}`;
}

/** ISO 8601: a week belongs to the year of its Thursday. */
function isoWeekLabel(monday: CivilTime): string {
  const thursday = monday + (THURSDAY - 1) * DAY_MS;
  const year = new Date(thursday).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1;
  return `${year}_w${String(week).padStart(2, '0')}`;
}

/** 1 is Monday. */
function isoWeekday(day: CivilTime): number {
  return new Date(day).getUTCDay() || 7;
}
