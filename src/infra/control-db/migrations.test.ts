import { expect, test } from 'vitest';
import { compareMigrations, readMigrations } from './migrations.js';

const appliedAt = new Date(0);
const file = (name: string, checksum: string) => ({ file: name, sql: '', checksum });

test('tells applied, changed, pending and unknown migrations apart', () => {
  const files = [file('0001_a.sql', 'x'), file('0002_b.sql', 'y'), file('0003_c.sql', 'z')];
  const applied = [
    { file: '0001_a.sql', checksum: 'x', appliedAt },
    { file: '0002_b.sql', checksum: 'other', appliedAt },
    { file: '0009_gone.sql', checksum: 'q', appliedAt },
  ];

  const states = compareMigrations(files, applied).map((row) => `${row.file} ${row.state}`);

  expect(states).toEqual([
    '0001_a.sql applied',
    '0002_b.sql changed',
    '0003_c.sql pending',
    '0009_gone.sql unknown',
  ]);
});

test('reads the migrations in the order of their numbers', async () => {
  const files = await readMigrations();

  expect(files[0]?.file).toBe('0001_foundation.sql');
  expect(files.map((row) => row.file)).toEqual(files.map((row) => row.file).sort());
});
