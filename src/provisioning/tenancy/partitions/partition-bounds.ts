/** The types of key that periods can be made of. */
export type KeyType = 'timestamptz' | 'timestamp' | 'date';

/**
 * From `from` until before `to`, in milliseconds since 1970: instants for a `timestamptz` key, wall-clock time as if it
 * stood in UTC for the others. Infinite where there is no bound.
 */
export interface BoundRange {
  readonly from: number;
  readonly to: number;
}

const RANGE = /^FOR VALUES FROM \((MINVALUE|'[^']*')\) TO \((MAXVALUE|'[^']*')\)$/;
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(\.\d{1,6})?)?(?:\+00)?$/;

/**
 * Reads what `pg_get_expr(relpartbound, 0)` gives with DateStyle ISO and TimeZone UTC; null for anything but a range of one
 * time. What lies before the year 1 or after 9999 counts as infinite.
 */
export function parseBounds(expression: string): BoundRange | null {
  const [, from = '', to = ''] = RANGE.exec(expression) ?? [];
  if (from === '') return null;
  return { from: parseBound(from, -Infinity), to: parseBound(to, Infinity) };
}

/** The clause for ATTACH PARTITION. */
export function renderBounds({ from, to }: BoundRange, type: KeyType): string {
  return `FOR VALUES FROM (${renderBound(from, type)}) TO (${renderBound(to, type)})`;
}

/** As a constant of the key's type that means the same whatever DateStyle and TimeZone are. */
export function renderBound(time: number, type: KeyType): string {
  return `'${formatBound(time, type)}'`;
}

export function formatBound(time: number, type: KeyType): string {
  const milliseconds = Math.floor(time);
  const text = new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');
  if (type === 'date') return text.slice(0, 10);
  const microseconds = Math.round((time - Math.floor(time / 1000) * 1000) * 1000);
  const fraction = microseconds === 0 ? '' : `.${String(microseconds).padStart(6, '0')}`;
  return `${text}${fraction}${type === 'timestamptz' ? '+00' : ''}`;
}

function parseBound(text: string, unbounded: number): number {
  if (!text.startsWith("'")) return unbounded;
  const value = text.slice(1, -1);
  if (value.startsWith('-infinity') || value.endsWith(' BC')) return -Infinity;
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = 0] = TIME.exec(value) ?? [];
  if (year === undefined) return Infinity;
  const time = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return time + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + Number(fraction) * 1000;
}

/** What of a range none of the others covers. */
export function freeParts(range: BoundRange, others: readonly BoundRange[]): BoundRange[] {
  const free: BoundRange[] = [];
  let { from } = range;
  for (const other of [...others].sort((a, b) => a.from - b.from)) {
    if (other.to <= from || other.from >= range.to) continue;
    if (other.from > from) free.push({ from, to: other.from });
    from = Math.max(from, other.to);
  }
  if (from < range.to) free.push({ from, to: range.to });
  return free;
}
