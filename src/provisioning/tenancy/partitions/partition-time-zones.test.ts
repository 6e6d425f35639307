import { describe, expect, test } from 'vitest';
import { isTimeZone, toCivil, toInstant } from './partition-time-zones.js';

const instantOf = (midnight: string, zone: string) =>
  new Date(toInstant(Date.parse(`${midnight}T00:00:00Z`), zone)).toISOString();

describe('local midnight', () => {
  test.each([
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    ['2026-11-01', 'Asia/Kolkata', '2026-10-31T18:30:00.000Z'],
    ['2026-11-01', 'Asia/Kathmandu', '2026-10-31T18:15:00.000Z'],
  ])('%s in %s', (midnight, zone, instant) => {
    expect(instantOf(midnight, zone)).toBe(instant);
  });

  test('that is skipped is the moment of the change', () => {
    expect(instantOf('2018-11-04', 'America/Sao_Paulo')).toBe('2018-11-04T03:00:00.000Z');
  });

  test('that comes twice is the second one', () => {
    expect(instantOf('2026-11-01', 'America/Havana')).toBe('2026-11-01T05:00:00.000Z');
  });

  test('of a day that never was, in Samoa, is the next day’s', () => {
    expect(instantOf('2011-12-30', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z');
    expect(instantOf('2011-12-31', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z');
  });
});

test('a wall clock keeps milliseconds, also before 1970', () => {
  expect(toCivil(Date.parse('2026-10-31T23:59:59.999Z'), 'UTC')).toBe(Date.parse('2026-10-31T23:59:59.999Z'));
  expect(toCivil(-1, 'UTC')).toBe(-1);
});

test('names are zones, offsets are none', () => {
  expect(['Europe/Berlin', 'UTC', 'europe/berlin', 'Etc/GMT+5'].every(isTimeZone)).toBe(true);
  expect(['+01:00', '-3', '', 'Mars/Olympus', "UTC'; --"].some(isTimeZone)).toBe(false);
});
