import { expect, test } from 'vitest';
import { toJson, toText, UnfitParameter } from './values.js';

const scalar = (oid: number) => ({ oid, elementOid: null });
const list = (elementOid: number) => ({ oid: 1, elementOid });

test.each([
  [null, 23, null],
  ['t', 16, true],
  ['f', 16, false],
  ['-7', 21, -7],
  ['2147483647', 23, 2147483647],
  ['4294967295', 26, 4294967295],
  ['0.1', 701, 0.1],
  ['NaN', 701, 'NaN'],
  ['-Infinity', 700, '-Infinity'],
  ['9223372036854775807', 20, '9223372036854775807'],
  ['1.10', 1700, '1.10'],
  ['-0', 701, '-0'],
  ['1e-320', 701, 1e-320],
  ['{"a": 9007199254740993, "b": 1.10}', 3802, '{"a": 9007199254740993, "b": 1.10}'],
  ['{"a":1e400,"a":2}', 114, '{"a":1e400,"a":2}'],
  ['null', 114, 'null'],
  ['\\x6869', 17, '\\x6869'],
  ['2025-06-01 12:00:00+00', 1184, '2025-06-01 12:00:00+00'],
  ['{not a list}', 25, '{not a list}'],
])('reads %j of type %i as %j', (text, oid, value) => {
  expect(toJson(text, scalar(oid))).toEqual(value);
});

test.each([
  ['{1,NULL,3}', 23, [1, null, 3]],
  [
    '{{1,2},{3,4}}',
    23,
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['{"a,\\"b\\"",NULL,"NULL"}', 25, ['a,"b"', null, 'NULL']],
  ['[2:3]={5,6}', 23, '[2:3]={5,6}'],
  ['{"{\\"a\\": 1.10}",NULL,"null"}', 3802, ['{"a": 1.10}', null, 'null']],
  ['{9223372036854775807,-1}', 20, ['9223372036854775807', '-1']],
  ['{-0,0,NaN,1.5}', 701, ['-0', 0, 'NaN', 1.5]],
  ['{}', 23, []],
  ['1 2 3', 21, '1 2 3'],
])('reads the list %s with elements of type %i as %j', (text, elementOid, value) => {
  expect(toJson(text, list(elementOid))).toEqual(value);
});

test.each([
  [null, scalar(23), null],
  ['7', scalar(23), '7'],
  [7.5, scalar(1700), '7.5'],
  [true, scalar(16), 'true'],
  [{ a: 1 }, scalar(3802), '{"a":1}'],
  [[1, 'x'], scalar(114), '[1,"x"]'],
  [true, scalar(3802), 'true'],
  ['{"id": 9007199254740993}', scalar(3802), '{"id": 9007199254740993}'],
  [-0, scalar(701), '-0'],
  [1e300, scalar(701), '1e+300'],
  [9007199254740991, scalar(20), '9007199254740991'],
  [[1, null, 3], list(23), '{"1",NULL,"3"}'],
  [['a,"b\\', 'NULL'], list(25), '{"a,\\"b\\\\","NULL"}'],
  [
    [
      [1, 2],
      [3, 4],
    ],
    list(23),
    '{{"1","2"},{"3","4"}}',
  ],
  [[{ a: 1 }, [2]], list(3802), '{"{\\"a\\":1}","[2]"}'],
  [[], list(23), '{}'],
])('writes %j for %j as %j', (value, type, text) => {
  expect(toText(value, type)).toBe(text);
});

test.each([
  [[1], scalar(25)],
  [{ a: 1 }, scalar(25)],
  [[{ a: 1 }], list(25)],
  [9007199254740992, scalar(20)],
  [9007199254740992, scalar(25)],
  [Number.POSITIVE_INFINITY, scalar(701)],
  [{ a: [9007199254740992] }, scalar(3802)],
  [{ a: Number.POSITIVE_INFINITY }, scalar(114)],
  [[1, 1e20], list(1700)],
  [[{ a: 1e20 }], list(3802)],
])('refuses %j for %j', (value, type) => {
  expect(() => toText(value, type)).toThrow(UnfitParameter);
});
