import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { settleAll } from './settle-all.js';

test('gives every value in its place', async () => {
  const [one, word] = await settleAll([Promise.resolve(1), pause(1, 'two')]);

  expect([one, word]).toEqual([1, 'two']);
});

test('throws a failure when all others have ended, and of several the first in the list', async () => {
  const ended: string[] = [];
  const slow = async (name: string, failure?: Error) => {
    await pause(5);
    ended.push(name);
    if (failure) throw failure;
  };

  const work = settleAll([slow('a'), slow('b', new Error('late')), Promise.reject(new Error('early'))]);

  await expect(work).rejects.toThrow('late');
  expect(ended).toEqual(['a', 'b']);
});
