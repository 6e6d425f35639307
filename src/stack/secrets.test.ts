import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepFormerKeys, loadSecrets, rotateEncryptionKey } from './secrets.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowhouse-secrets-'));
  path = join(directory, 'secrets.json');
});

afterEach(() => rmSync(directory, { recursive: true }));

test('makes secrets once, for this user only', () => {
  const first = loadSecrets(path, false);

  expect(loadSecrets(path, true)).toEqual(first);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length);
});

test('does not make new ones for a cluster that has others', () => {
  expect(() => loadSecrets(path, true)).toThrow(`${path} is missing`);
});

test('a new encryption key keeps the former ones until nothing needs them', () => {
  const first = loadSecrets(path, false);
  rotateEncryptionKey(path);
  rotateEncryptionKey(path);
  const { encryptionKey, formerEncryptionKeys, ...others } = loadSecrets(path, true);

  expect(formerEncryptionKeys).toHaveLength(2);
  expect(formerEncryptionKeys[1]).toBe(first.encryptionKey);
  expect(new Set([encryptionKey, ...formerEncryptionKeys]).size).toBe(3);
  expect(first).toMatchObject(others);
  expect(statSync(path).mode & 0o777).toBe(0o600);

  keepFormerKeys(path, (key) => key === first.encryptionKey);
  expect(loadSecrets(path, true).formerEncryptionKeys).toEqual([first.encryptionKey]);
  keepFormerKeys(path, () => false);
  expect(loadSecrets(path, true)).toEqual({ ...others, encryptionKey, formerEncryptionKeys: [] });
});
