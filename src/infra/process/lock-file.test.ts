import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LockFile, LockHeldError } from './lock-file.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowhouse-lock-'));
  path = join(directory, 'lock');
});

afterEach(() => rmSync(directory, { recursive: true }));

test('is held by one at a time', () => {
  const lock = LockFile.acquire(path);

  expect(() => LockFile.acquire(path)).toThrow(LockHeldError);
  expect(LockFile.findHolder(path)).toBe(process.pid);
  lock.release();
  expect(existsSync(path)).toBe(false);
  LockFile.acquire(path);
});

test.each([
  ['a pid that is in use again', JSON.stringify({ pid: process.pid, identity: 'of an earlier process' })],
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, identity: null })],
  ['nothing readable', '{"pid":'],
])('takes over a lock of %s, and leaves no other file', (_, content) => {
  writeFileSync(path, content);

  LockFile.acquire(path);

  expect(LockFile.findHolder(path)).toBe(process.pid);
  expect(readdirSync(directory)).toEqual(['lock']);
});
