import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeAdminKey } from './admin-key-file.js';

test('only its owner reads the admin key, also where a file was before that others could read', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rowhouse-key-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  writeFileSync(join(dataDir, 'admin-key'), 'old', { mode: 0o644 });

  const file = await writeAdminKey('rh_a_b', dataDir);

  expect(readFileSync(file, 'utf8')).toBe('rh_a_b\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
