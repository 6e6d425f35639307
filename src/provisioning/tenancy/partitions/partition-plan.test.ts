import { describe, expect, test } from 'vitest';
import { formatBound, type KeyType } from './partition-bounds.js';
import {
  candidateNames,
  expiredPartitions,
  missingPartitions,
  type PartitionRule,
  timetableOf,
} from './partition-plan.js';

const RULE: PartitionRule = {
  table: 'sales',
  interval: 'month',
  premake: 1,
  retentionMonths: null,
  onRetention: 'detach',
  timeZone: 'UTC',
};

const time = (text: string) => Date.parse(text.includes('T') ? text : `${text}T00:00Z`);
const partition = (name: string, from: string, to: string) => ({
  name,
  range: { from: time(from), to: time(to) },
});

interface Case {
  now: string;
  keyType?: KeyType;
  partitions?: ReturnType<typeof partition>[];
  takenNames?: string[];
}

/** `name from to` of each partition that the rule misses. */
function missing(
  rule: Partial<PartitionRule>,
  { now, keyType = 'timestamptz', partitions = [], takenNames = [] }: Case,
) {
  const { calendars } = timetableOf({ ...RULE, ...rule }, new Date(now));
  const present = { partitions, takenNames: new Set(takenNames) };
  return missingPartitions(calendars[keyType].periods, 'sales', present).map(
    ({ name, range }) =>
      `${name} ${formatBound(range.from, 'timestamp')} ${formatBound(range.to, 'timestamp')}`,
  );
}

describe('what a table lacks', () => {
  test('is the present period and those ahead, by the instants at which they begin', () => {
    expect(missing({ premake: 2 }, { now: '2026-11-30T23:59:59.999Z' })).toEqual([
      'sales_2026_11 2026-11-01 00:00:00 2026-12-01 00:00:00',
      'sales_2026_12 2026-12-01 00:00:00 2027-01-01 00:00:00',
      'sales_2027_01 2027-01-01 00:00:00 2027-02-01 00:00:00',
    ]);
  });

  test('begins a month earlier or later where clocks show another date', () => {
    const now = '2026-10-31T23:30:00Z';

    expect(missing({ premake: 0, timeZone: 'Europe/Berlin' }, { now })).toEqual([
      'sales_2026_11 2026-10-31 23:00:00 2026-11-30 23:00:00',
    ]);
    expect(missing({ premake: 0, timeZone: 'America/New_York' }, { now })).toEqual([
      'sales_2026_10 2026-10-01 04:00:00 2026-11-01 04:00:00',
    ]);
  });

  test('are days of 23 and of 25 hours when clocks change', () => {
    const days = (now: string, timeZone: string) =>
      missing({ interval: 'day', premake: 0, timeZone }, { now });

    expect(days('2026-03-29T12:00:00Z', 'Europe/Berlin')).toEqual([
      'sales_2026_03_29 2026-03-28 23:00:00 2026-03-29 22:00:00',
    ]);
    expect(days('2026-10-25T12:00:00Z', 'Europe/Berlin')).toEqual([
      'sales_2026_10_25 2026-10-24 22:00:00 2026-10-25 23:00:00',
    ]);
    expect(days('2018-11-04T12:00:00Z', 'America/Sao_Paulo')).toEqual([
      'sales_2018_11_04 2018-11-04 03:00:00 2018-11-05 02:00:00',
    ]);
    expect(days('2026-06-01T00:00:00Z', 'Asia/Kolkata')).toEqual([
      'sales_2026_06_01 2026-05-31 18:30:00 2026-06-01 18:30:00',
    ]);
  });

  test('leaves out a day that a zone skipped', () => {
    const rule = { interval: 'day', premake: 2, timeZone: 'Pacific/Apia' } as const;

    expect(missing(rule, { now: '2011-12-29T12:00:00Z' })).toEqual([
      'sales_2011_12_29 2011-12-29 10:00:00 2011-12-30 10:00:00',
      'sales_2011_12_31 2011-12-30 10:00:00 2011-12-31 10:00:00',
    ]);
  });

  test('holds the present instant also in the hour before a midnight that comes twice', () => {
    const rule = { interval: 'day', premake: 0, timeZone: 'America/Havana' } as const;
    const firstMidnight = '2026-11-01T04:30:00Z';

    expect(missing(rule, { now: firstMidnight })).toEqual([
      'sales_2026_10_31 2026-10-31 04:00:00 2026-11-01 05:00:00',
      'sales_2026_11_01 2026-11-01 05:00:00 2026-11-02 05:00:00',
    ]);
  });

  test('is wall-clock time for keys without a zone, whose present period is still the zone’s', () => {
    const now = '2026-10-31T23:30:00Z';

    for (const keyType of ['timestamp', 'date'] as const) {
      expect(missing({ premake: 0, timeZone: 'Europe/Berlin' }, { now, keyType })).toEqual([
        'sales_2026_11 2026-11-01 00:00:00 2026-12-01 00:00:00',
      ]);
    }
  });

  test('is told by bounds, not by names', () => {
    const partitions = [partition('autumn', '2026-10-01', '2027-01-01')];

    expect(missing({ premake: 2 }, { now: '2026-11-15T00:00:00Z', partitions })).toEqual([
      'sales_2027_01 2027-01-01 00:00:00 2027-02-01 00:00:00',
    ]);
  });

  test('is only the rest of a period of which a part is there', () => {
    const partitions = [
      partition('sales_2026_11', '2026-11-01', '2026-11-16'),
      partition('fair', '2026-11-20', '2026-11-22'),
    ];

    expect(missing({ premake: 0 }, { now: '2026-11-15T00:00:00Z', partitions })).toEqual([
      'sales_2026_11_2 2026-11-16 00:00:00 2026-11-20 00:00:00',
      'sales_2026_11_3 2026-11-22 00:00:00 2026-12-01 00:00:00',
    ]);
  });

  test('closes the hours between partitions of one zone and of the next', () => {
    const partitions = [partition('sales_2026_10', '2026-10-01', '2026-11-01')];

    expect(missing({ timeZone: 'Asia/Kolkata' }, { now: '2026-10-15T00:00:00Z', partitions })).toEqual([
      'sales_2026_10_2 2026-09-30 18:30:00 2026-10-01 00:00:00',
      'sales_2026_11 2026-11-01 00:00:00 2026-11-30 18:30:00',
    ]);
  });

  test('gets another name where its own is taken', () => {
    const takenNames = ['sales_2026_11', 'sales_2026_11_2'];

    expect(missing({ premake: 0 }, { now: '2026-11-15T00:00:00Z', takenNames })).toEqual([
      'sales_2026_11_3 2026-11-01 00:00:00 2026-12-01 00:00:00',
    ]);
  });
});

describe('what has expired', () => {
  const partitions = [
    partition('2026_02', '2026-02-01', '2026-03-01'),
    partition('2026_01', '2026-01-01', '2026-02-01'),
    { name: 'before', range: { from: -Infinity, to: time('2026-01-01') } },
    { name: 'after', range: { from: time('2026-03-01'), to: Infinity } },
  ];
  const expired = (rule: Partial<PartitionRule>, now: string) => {
    const { calendars } = timetableOf({ ...RULE, ...rule }, new Date(now));
    return expiredPartitions(calendars.timestamptz, partitions).map(({ name }) => name);
  };

  test('ended at least so many months ago, oldest first', () => {
    expect(expired({ retentionMonths: 2 }, '2026-04-30T23:59:59Z')).toEqual(['before', '2026_01']);
    expect(expired({ retentionMonths: 2 }, '2026-05-01T00:00:00Z')).toEqual(['before', '2026_01', '2026_02']);
  });

  test('is told by the zone’s clocks', () => {
    const now = '2026-04-30T23:00:00Z';

    expect(expired({ retentionMonths: 2, timeZone: 'Asia/Kolkata' }, now)).not.toContain('2026_02');
    expect(expired({ retentionMonths: 2, timeZone: 'Asia/Kolkata' }, '2026-05-01T00:00:00Z')).toContain(
      '2026_02',
    );
  });

  test('is nothing without a retention', () => {
    expect(expired({}, '2100-01-01T00:00:00Z')).toEqual([]);
  });
});

test('a long table name is cut between characters, so that a partition’s name has 63 bytes at most', () => {
  const names = candidateNames(`${'ä'.repeat(31)}x`, '2026_11_21');

  expect(names[0]).toBe(`${'ä'.repeat(26)}_2026_11_21`);
  expect(names.every((name) => Buffer.byteLength(name) <= 63)).toBe(true);
});
