import { MAX_IDENTIFIER_BYTES } from '../../../kernel/identifiers.js';
import { type BoundRange, freeParts, type KeyType } from './partition-bounds.js';
import { type CivilPeriod, monthsBefore, type PartitionInterval, periodAt } from './partition-calendar.js';
import { toCivil, toInstant } from './partition-time-zones.js';

/** What a policy wants of a table. */
export interface PartitionRule {
  readonly table: string;
  readonly interval: PartitionInterval;
  /** Periods ahead of the present one. */
  readonly premake: number;
  /** Null keeps everything. */
  readonly retentionMonths: number | null;
  readonly onRetention: 'detach' | 'drop';
  /** IANA name. */
  readonly timeZone: string;
}

/** A rule at one moment. It is worked out once for all tenants. */
export interface PartitionTimetable {
  readonly rule: PartitionRule;
  readonly calendars: Readonly<Record<KeyType, PartitionCalendar>>;
  /** Every name that its periods may get. */
  readonly names: readonly string[];
}

/** For keys of one type: the periods that shall be there, and the time before which all is expired. */
export interface PartitionCalendar {
  readonly periods: readonly Period[];
  readonly expiredBefore: number;
}

export interface Period {
  readonly label: string;
  readonly range: BoundRange;
}

export interface ExistingPartition {
  readonly name: string;
  readonly range: BoundRange;
}

export interface PlannedPartition {
  readonly name: string;
  readonly period: string;
  readonly range: BoundRange;
}

/** Names a period can get: its own, and more where that is taken. */
const NAMES_A_PERIOD = 5;

export function timetableOf(rule: PartitionRule, now: Date): PartitionTimetable {
  const timestamptz = calendarOf(rule, now, 'timestamptz');
  const date = calendarOf(rule, now, 'date');
  const labels = new Set([...timestamptz.periods, ...date.periods].map(({ label }) => label));
  return {
    rule,
    calendars: { timestamptz, date, timestamp: date },
    names: [...labels].flatMap((label) => candidateNames(rule.table, label)),
  };
}

function calendarOf(rule: PartitionRule, now: Date, keyType: KeyType): PartitionCalendar {
  const { retentionMonths, timeZone } = rule;
  const first = firstOffset(rule, now, keyType);
  const count = rule.premake + 1 - first;
  const present = toCivil(now.getTime(), timeZone);
  const cutoff = retentionMonths === null ? -Infinity : monthsBefore(present, retentionMonths);
  return {
    periods: Array.from({ length: count }, (_, at) =>
      toPeriod(periodAt(rule.interval, present, first + at), rule, keyType),
    ),
    expiredBefore: Number.isFinite(cutoff) ? onAxis(cutoff, timeZone, keyType) : cutoff,
  };
}

/** The period that begins at a civil time. */
export function periodFrom(rule: PartitionRule, start: number, keyType: KeyType): Period {
  return toPeriod(periodAt(rule.interval, start), rule, keyType);
}

/** The partitions that a table lacks. Where others cover a part of a period, what is left of it gets one of its own. */
export function missingPartitions(
  periods: readonly Period[],
  table: string,
  present: { partitions: readonly ExistingPartition[]; takenNames: ReadonlySet<string> },
): PlannedPartition[] {
  const ranges = present.partitions.map(({ range }) => range);
  const taken = new Set([...present.takenNames, ...present.partitions.map(({ name }) => name)]);
  return periods.flatMap((period) =>
    freeParts(period.range, ranges).map((range) => {
      const candidates = candidateNames(table, period.label);
      const name = candidates.find((candidate) => !taken.has(candidate)) ?? candidates[0] ?? '';
      taken.add(name);
      return { name, period: period.label, range };
    }),
  );
}

/** Whatever lies wholly before the time, however it came to be. */
export function expiredPartitions<T extends ExistingPartition>(
  { expiredBefore }: Pick<PartitionCalendar, 'expiredBefore'>,
  partitions: readonly T[],
): T[] {
  return partitions
    .filter(({ range }) => range.to <= expiredBefore)
    .sort((one, other) => one.range.to - other.range.to);
}

/** `sales_2026_11`, then `sales_2026_11_2` and so on; a long table name is cut so that PostgreSQL need not. */
export function candidateNames(table: string, label: string): string[] {
  return Array.from({ length: NAMES_A_PERIOD }, (_, at) => {
    const suffix = at === 0 ? `_${label}` : `_${label}_${at + 1}`;
    return cutToBytes(table, MAX_IDENTIFIER_BYTES - suffix.length) + suffix;
  });
}

/**
 * Where a clock is put back over midnight, the new day's partition begins with the second midnight, as PostgreSQL reads
 * it; in the hour before, the day before is still the present one.
 */
function firstOffset({ interval, timeZone }: PartitionRule, now: Date, keyType: KeyType): number {
  if (keyType !== 'timestamptz') return 0;
  const { start } = periodAt(interval, toCivil(now.getTime(), timeZone));
  return toInstant(start, timeZone) > now.getTime() ? -1 : 0;
}

function toPeriod({ label, start, end }: CivilPeriod, { timeZone }: PartitionRule, keyType: KeyType): Period {
  return { label, range: { from: onAxis(start, timeZone, keyType), to: onAxis(end, timeZone, keyType) } };
}

function onAxis(time: number, timeZone: string, keyType: KeyType): number {
  return keyType === 'timestamptz' ? toInstant(time, timeZone) : time;
}

function cutToBytes(text: string, bytes: number): string {
  let kept = text;
  while (Buffer.byteLength(kept, 'utf8') > bytes) kept = [...kept].slice(0, -1).join('');
  return kept;
}
