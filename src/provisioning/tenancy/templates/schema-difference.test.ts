import { expect, test } from 'vitest';
import type { CatalogObject } from './schema-catalog.js';
import { compareCatalogs } from './schema-difference.js';

const table = (name: string): CatalogObject => ({ object: `table ${name}`, parent: null, definition: '' });
const column = (of: string, name: string, definition = 'text'): CatalogObject => ({
  object: `column ${of}.${name}`,
  parent: `table ${of}`,
  definition,
});

test('equal catalogs have no differences, in whatever order', () => {
  expect(compareCatalogs([table('a'), column('a', 'b')], [column('a', 'b'), table('a')])).toEqual([]);
});

test('what is missing, unexpected or changed is named with both definitions', () => {
  const expected = [table('a'), column('a', 'gone'), column('a', 'kept', 'text')];
  const actual = [table('a'), column('a', 'kept', 'text NOT NULL'), column('a', 'new', 'integer')];

  expect(compareCatalogs(expected, actual)).toEqual([
    { object: 'column a.gone', kind: 'missing', expected: 'text', actual: null },
    { object: 'column a.kept', kind: 'changed', expected: 'text', actual: 'text NOT NULL' },
    { object: 'column a.new', kind: 'unexpected', expected: null, actual: 'integer' },
  ]);
});

test('of a whole table that is missing or unexpected, its parts are not named too', () => {
  const expected = [table('gone'), column('gone', 'a'), column('gone', 'b')];
  const actual = [table('new'), column('new', 'a')];

  expect(compareCatalogs(expected, actual).map(({ object, kind }) => `${kind} ${object}`)).toEqual([
    'missing table gone',
    'unexpected table new',
  ]);
});
