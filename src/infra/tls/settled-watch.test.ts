import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SettledWatch } from './settled-watch.js';

const EVERY_MS = 10;
let content: string;
let seen: string[];
let isDone: boolean;
let watch: SettledWatch;

beforeEach(() => {
  vi.useFakeTimers();
  content = 'old';
  seen = [];
  isDone = true;
  watch = new SettledWatch({
    known: 'old',
    read: async () => content,
    onChange: async () => {
      seen.push(content);
      return isDone;
    },
    everyMs: EVERY_MS,
    retryMs: 100,
  });
  watch.start();
});

afterEach(async () => {
  await watch.stop();
  vi.useRealTimers();
});

const looks = (count: number) => vi.advanceTimersByTimeAsync(count * EVERY_MS);

test('acts once upon a change that has settled', async () => {
  content = 'half';
  await looks(1);
  content = 'new';
  await looks(5);

  expect(seen).toEqual(['new']);
});

test('a change that is taken back is none', async () => {
  content = 'new';
  await looks(1);
  content = 'old';
  await looks(5);

  expect(seen).toEqual([]);
});

test('tries again what failed, later, or at once when it changed', async () => {
  isDone = false;
  content = 'bad';
  await looks(5);
  expect(seen).toEqual(['bad']);

  await looks(10);
  expect(seen).toEqual(['bad', 'bad']);

  content = 'better';
  await looks(2);
  expect(seen).toEqual(['bad', 'bad', 'better']);
});

test('does nothing after its end', async () => {
  await watch.stop();
  content = 'new';
  await looks(5);

  expect(seen).toEqual([]);
});
