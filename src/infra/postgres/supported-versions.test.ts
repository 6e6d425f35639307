import { expect, test } from 'vitest';
import { assertSupported, untestedNotice } from './supported-versions.js';

test('refuses PostgreSQL 14 and older in plain words', () => {
  expect(() => assertSupported(140_024)).toThrow(
    'PostgreSQL 14 is too old: Rowhouse works with 15 to 19. Upgrade the server, or name another in DB_HOST',
  );
  expect(() => assertSupported(90_624)).toThrow('PostgreSQL 9 is too old');
});

test.each([150_000, 160_014, 170_010, 180_004])('takes %i, and has nothing to say of it', (version) => {
  expect(() => assertSupported(version)).not.toThrow();
  expect(untestedNotice(version)).toBeNull();
});

test('takes PostgreSQL 19, and says that nobody tested it', () => {
  expect(() => assertSupported(190_000)).not.toThrow();
  expect(untestedNotice(190_000)).toBe('PostgreSQL 19 is not tested with Rowhouse yet; 15 to 18 are');
});
