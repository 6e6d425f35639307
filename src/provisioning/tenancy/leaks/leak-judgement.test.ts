import { expect, test } from 'vitest';
import { judge, type LeakObservation } from './leak-judgement.js';

const NOTES = { a: 'note-a', b: 'note-b' };
const QUIET: LeakObservation = {
  statements: 1,
  refusals: [],
  seenByA: ['note-a'],
  readByB: ['note-b'],
  seenByB: [],
  processA: 1,
  processB: 1,
};

test.each<[string, Partial<LeakObservation>, string]>([
  ['nothing seen', {}, 'safe'],
  ['every statement refused', { refusals: ['no'] }, 'blocked'],
  ['some refused', { statements: 2, refusals: ['no'] }, 'safe'],
  ["A saw B's row", { seenByA: ['x note-b'] }, 'leak'],
  ["B read A's row", { readByB: ['note-a'] }, 'leak'],
  ['B read both', { readByB: ['note-a', 'note-b'] }, 'leak'],
  ["B found A's row elsewhere", { seenByB: ['note-a'] }, 'leak'],
  ['refused, and seen nevertheless', { refusals: ['no'], seenByA: ['note-b'] }, 'leak'],
  ['B could not read', { readByB: null }, 'broken'],
  ['B read nothing', { readByB: [] }, 'broken'],
  ['B read its row twice', { readByB: ['note-b', 'note-b'] }, 'broken'],
])('%s', (_, seen, outcome) => {
  expect(judge({ ...QUIET, ...seen }, NOTES).outcome).toBe(outcome);
});

test('tells whether it was on the same connection', () => {
  expect(judge(QUIET, NOTES).detail).toContain('A had used');
  expect(judge({ ...QUIET, processB: 2 }, NOTES).detail).not.toContain('A had used');
});
