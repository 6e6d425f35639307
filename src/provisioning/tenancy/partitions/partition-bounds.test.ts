import { describe, expect, test } from 'vitest';
import { freeParts, parseBounds, renderBounds } from './partition-bounds.js';

const time = (text: string) => Date.parse(text);

describe('bounds as PostgreSQL tells them', () => {
  test.each([
    ['2026-11-01 00:00:00+00', '2026-12-01 00:00:00+00', 'timestamptz'],
    ['2026-11-01 00:00:00', '2026-12-01 12:30:00.000001', 'timestamp'],
    ['2026-11-01', '2026-12-01', 'date'],
  ] as const)('from %s to %s are read and written alike', (from, to, type) => {
    const text = `FOR VALUES FROM ('${from}') TO ('${to}')`;

    const range = parseBounds(text);

    expect(range && renderBounds(range, type)).toBe(text);
  });

  test('may be open, infinite or very distant', () => {
    expect(parseBounds("FOR VALUES FROM (MINVALUE) TO ('2020-01-01')")).toEqual({
      from: -Infinity,
      to: time('2020-01-01'),
    });
    expect(parseBounds("FOR VALUES FROM ('0044-03-15 00:00:00+00 BC') TO ('infinity')")).toEqual({
      from: -Infinity,
      to: Infinity,
    });
    expect(parseBounds("FOR VALUES FROM ('-infinity') TO ('12345-01-01')")).toEqual({
      from: -Infinity,
      to: Infinity,
    });
  });

  test('of another kind are none', () => {
    expect(parseBounds('DEFAULT')).toBeNull();
    expect(parseBounds("FOR VALUES IN ('a')")).toBeNull();
    expect(parseBounds("FOR VALUES FROM ('2026-01-01', 1) TO ('2026-02-01', 1)")).toBeNull();
  });
});

describe('the free parts of a range', () => {
  const range = { from: 10, to: 20 };

  test.each([
    ['alone', [], [range]],
    [
      'between its neighbours',
      [
        { from: 0, to: 10 },
        { from: 20, to: 30 },
      ],
      [range],
    ],
    ['under a larger one', [{ from: -Infinity, to: Infinity }], []],
    ['with its beginning covered', [{ from: 0, to: 12 }], [{ from: 12, to: 20 }]],
    ['with its end covered', [{ from: 18, to: 40 }], [{ from: 10, to: 18 }]],
    [
      'with its middle covered twice',
      [
        { from: 13, to: 15 },
        { from: 12, to: 14 },
      ],
      [
        { from: 10, to: 12 },
        { from: 15, to: 20 },
      ],
    ],
  ])('%s', (_, others, expected) => {
    expect(freeParts(range, others)).toEqual(expected);
  });

  test('of no time at all are none', () => {
    expect(freeParts({ from: 10, to: 10 }, [])).toEqual([]);
  });
});
