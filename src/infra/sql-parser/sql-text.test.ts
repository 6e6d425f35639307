import { describe, expect, test } from 'vitest';
import { blankLength, SqlText } from './sql-text.js';

describe('a place in a text', () => {
  const text = new SqlText("a\n'é東🐘' b\n\nc");

  test.each([
    ['the beginning', 0, { line: 1, column: 1 }],
    ['behind letters of several bytes', 7, { line: 2, column: 6 }],
    ['an empty line', 10, { line: 3, column: 1 }],
    ['the last line', 11, { line: 4, column: 1 }],
  ])('%s is found by its character', (_, character, place) => {
    expect(text.placeOfCharacter(character)).toEqual(place);
  });

  test('is found by its byte', () => {
    expect(text.placeOfByte(2 + 1 + 2 + 3 + 4)).toEqual({ line: 2, column: 5 });
    expect(text.placeOfByte(2)).toEqual({ line: 2, column: 1 });
  });
});

test.each([
  ['nothing', 'SELECT', 0],
  ['spaces and line breaks', ' \n\t SELECT', 4],
  ['a line comment', '-- SELECT\nSELECT', 10],
  ['a line comment at the end', '-- SELECT', 9],
  ['nested comments', '/* a /* b */ c */SELECT', 17],
  ['a comment that never ends', '/* a /* b */', 12],
  ['all of them', ' -- a\n/* b */ -- c\n SELECT', 20],
])('%s before a statement is passed over', (_, text, length) => {
  expect(blankLength(text)).toBe(length);
});
