import { expect, test } from 'vitest';
import { blockLength, hasBlock, withBlock, withoutBlock } from './hba-block.js';

const LINES = 'host "a" all 10.0.0.0/8 scram-sha-256\nhost "a" all 0.0.0.0/0 reject\n';

test.each([
  ['nothing', ''],
  ['lines', 'local all all peer\nhost all all all scram-sha-256\n'],
  ['another line end', '# one\r\nlocal all all peer\r\n'],
  ['no line end at the end', 'local all all peer'],
  ['tabs, backslashes and bytes', 'local\tall all peer # \\\xe9\x00'],
  ['its own words elsewhere', 'local all all peer # BEGIN Rowhouse\n'],
])('stands above %s and goes without a trace', (_what, text) => {
  const filled = withBlock(text, LINES);

  expect(filled.endsWith(`\n${text}`)).toBe(true);
  expect(filled.indexOf(LINES)).toBeLessThan(200);
  expect(hasBlock(text)).toBe(false);
  expect(hasBlock(filled)).toBe(true);
  expect(withoutBlock(filled)).toBe(text);
});

test('takes the place of the former block, and comes back to the top', () => {
  const filled = withBlock('local all all peer\n', LINES);
  const moved = `host all all all trust\n${filled}`;

  expect(withBlock(filled, 'x\n')).toBe(withBlock('local all all peer\n', 'x\n'));
  expect(withBlock(moved, 'x\n')).toBe(withBlock('host all all all trust\nlocal all all peer\n', 'x\n'));
});

test('knows its block after an editor changed the line ends', () => {
  const filled = withBlock('local all all peer\n', LINES).replaceAll('\n', '\r\n');

  expect(withoutBlock(filled)).toBe('local all all peer\r\n');
});

test('refuses half a block, and two', () => {
  const filled = withBlock('local all all peer\n', LINES);

  for (const text of [
    filled.replace(/^# END.*\n/m, ''),
    filled.replace(/^# BEGIN.*\n/m, ''),
    filled + filled,
  ]) {
    expect(() => withBlock(text, LINES)).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  }
});

test('counts the lines that are its own', () => {
  expect(blockLength(withBlock('local all all peer\n', LINES))).toBe(4);
  expect(blockLength('local all all peer\n')).toBe(0);
});
