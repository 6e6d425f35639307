import { expect, test } from 'vitest';
import { isTooDeep } from './json-depth.js';

const nested = (depth: number, open: string, close: string, core = '1') =>
  `${open.repeat(depth)}${core}${close.repeat(depth)}`;

test.each([
  ['lists', nested(64, '[', ']'), false],
  ['one list more', nested(65, '[', ']'), true],
  ['objects', nested(64, '{"a":', '}'), false],
  ['one object more', nested(65, '{"a":', '}'), true],
  ['many lists side by side', `[${Array(1000).fill('[]').join(',')}]`, false],
  ['brackets in a string', JSON.stringify({ a: '['.repeat(1000) }), false],
  ['brackets behind an escaped quote', JSON.stringify({ a: `"${'{'.repeat(1000)}` }), false],
  ['brackets behind an escaped backslash', `["\\\\",${nested(64, '[', ']')}]`, true],
  ['what never ends', '['.repeat(500_000), true],
  ['no JSON at all', 'hello', false],
])('%s', (_, text, expected) => {
  expect(isTooDeep(text)).toBe(expected);
});
