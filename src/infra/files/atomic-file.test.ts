import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findText, writeAtomically } from './atomic-file.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rowhouse-atomic-'));
});

afterAll(() => rm(directory, { recursive: true }));

test('replaces the text, keeps the mode and leaves no temporary file', async () => {
  const path = join(directory, 'databases.ini');
  await writeAtomically(path, 'one');
  await chmod(path, 0o640);

  await writeAtomically(path, 'two');

  expect(await findText(path)).toBe('two');
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readdir(directory)).toEqual(['databases.ini']);
});

test('makes a new file that only its owner can read', async () => {
  const path = join(directory, 'hba.conf');

  await writeAtomically(path, 'x');

  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await rm(path);
});

test('finds no text where there is no file', async () => {
  expect(await findText(join(directory, 'nothing'))).toBeNull();
});
