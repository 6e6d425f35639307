import { describe, expect, test } from 'vitest';
import { monthsBefore, type PartitionInterval, periodAt } from './partition-calendar.js';

const at = (text: string) => Date.parse(`${text}Z`);
const show = (time: number) => new Date(time).toISOString().slice(0, 16);

function period(interval: PartitionInterval, time: string, after = 0) {
  const { label, start, end } = periodAt(interval, at(time), after);
  return [label, show(start).slice(0, 10), show(end).slice(0, 10)];
}

describe('the period of a time', () => {
  test.each([
    ['month', '2026-11-21T13:00', ['2026_11', '2026-11-01', '2026-12-01']],
    ['month', '2026-12-31T23:59:59.999', ['2026_12', '2026-12-01', '2027-01-01']],
    ['month', '2024-02-29T00:00', ['2024_02', '2024-02-01', '2024-03-01']],
    ['day', '2024-02-29T23:59', ['2024_02_29', '2024-02-29', '2024-03-01']],
    ['day', '2026-02-28T00:00', ['2026_02_28', '2026-02-28', '2026-03-01']],
    ['week', '2026-11-22T23:59', ['2026_w47', '2026-11-16', '2026-11-23']],
    ['week', '2021-01-03T12:00', ['2020_w53', '2020-12-28', '2021-01-04']],
    ['week', '2021-01-04T00:00', ['2021_w01', '2021-01-04', '2021-01-11']],
    ['week', '2024-12-30T08:00', ['2025_w01', '2024-12-30', '2025-01-06']],
    ['week', '1969-12-31T00:00', ['1970_w01', '1969-12-29', '1970-01-05']],
  ] as const)('%s of %s', (interval, time, expected) => {
    expect(period(interval, time)).toEqual(expected);
  });

  test('counts on over the end of a year', () => {
    expect(period('month', '2026-11-30T23:00', 3)).toEqual(['2027_02', '2027-02-01', '2027-03-01']);
    expect(period('week', '2026-12-28T00:00', 1)).toEqual(['2027_w01', '2027-01-04', '2027-01-11']);
    expect(period('day', '2026-12-31T00:00', -1)).toEqual(['2026_12_30', '2026-12-30', '2026-12-31']);
  });
});

describe('months before a time', () => {
  test.each([
    ['2026-03-31T10:30', 1, '2026-02-28T10:30'],
    ['2024-03-30T00:00', 1, '2024-02-29T00:00'],
    ['2026-01-15T23:59', 13, '2024-12-15T23:59'],
    ['2026-12-31T00:00', 120, '2016-12-31T00:00'],
  ])('%s less %i', (time, months, expected) => {
    expect(show(monthsBefore(at(time), months))).toBe(expected);
  });
});
