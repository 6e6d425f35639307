import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestAuthority } from '../../../test/support/certificates.js';
import { parsePair } from '../../infra/tls/certificate-pair.js';
import { ServedFiles } from './served-files.js';

let directory: string;
let paths: { servedPair: string; clientCa: string };
let files: ServedFiles;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowhouse-served-'));
  paths = { servedPair: join(directory, 'served.pem'), clientCa: join(directory, 'client-ca.crt') };
  files = new ServedFiles(paths, null);
});

afterEach(() => rmSync(directory, { recursive: true }));

test('one file holds certificate and key, for its owner alone', async () => {
  const authority = await TestAuthority.create();
  const pair = parsePair({ ...(await authority.issue('db.example.com')), ca: authority.certificate });

  files.write(pair);

  const text = readFileSync(paths.servedPair, 'utf8');
  expect(text.indexOf('BEGIN CERTIFICATE')).toBeLessThan(text.indexOf('BEGIN PRIVATE KEY'));
  expect(statSync(paths.servedPair).mode & 0o777).toBe(0o600);
  expect(files.holds(pair)).toBe(true);
  expect(files.holds({ ...pair, ca: null })).toBe(false);
});

test('there is a CA file only where clients need one, and what was there can be put back', async () => {
  const authority = await TestAuthority.create();
  const text = await authority.issue('db.example.com');
  files.write(parsePair({ ...text, ca: authority.certificate }));
  const before = files.read();

  files.write(parsePair({ ...text, ca: null }));
  expect(existsSync(paths.clientCa)).toBe(false);

  files.restore(before);
  expect(files.read()).toEqual(before);
  expect(existsSync(paths.clientCa)).toBe(true);
});
