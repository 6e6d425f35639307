import { expect, test } from 'vitest';
import { scratchSchemaName, scratchSchemaTime } from './scratch-names.js';

test('a scratch schema tells when it was made', () => {
  const made = new Date('2026-03-01T12:00:00Z');

  expect(scratchSchemaTime(scratchSchemaName(made).value)).toEqual(made);
});

test.each(['tenant_0001', 'scratch_', 'scratch_00000000', 'scratch_zzzzzzzz_00000000', 'shared'])(
  '%s is none',
  (name) => {
    expect(scratchSchemaTime(name)).toBeNull();
  },
);
