import { expect, test } from 'vitest';
import { newId } from '../../kernel/ids.js';
import { nextDailyRun } from './next-run.js';

test('runs follow each other at the same minute of each day', () => {
  const id = newId();
  const first = nextDailyRun(id, new Date('2026-12-31T12:34:56Z'));
  const second = nextDailyRun(id, first);

  expect(first.getTime()).toBeGreaterThan(Date.parse('2026-12-31T12:34:56Z'));
  expect(second.getTime() - first.getTime()).toBe(24 * 60 * 60_000);
});

test('policies are spread over the day', () => {
  const now = new Date('2026-11-21T00:00:00Z');
  const hours = Array.from({ length: 500 }, () => nextDailyRun(newId(), now).getUTCHours());

  expect(new Set(hours).size).toBe(24);
});
