import { describe, expect, it } from 'vitest';
import { formatKey, newKey, parseKey } from './key-format.js';

describe('API keys', () => {
  it('can be taken apart again', () => {
    const key = newKey();
    expect(parseKey(formatKey(key))).toEqual(key);
  });

  it('differ each time', () => {
    expect(formatKey(newKey())).not.toBe(formatKey(newKey()));
  });

  it.each([
    '',
    'rh_',
    'rh_abc_def',
    'sk_abcdefghijkl_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    `rh_ABCDEFGHIJKL_${'a'.repeat(40)}`,
  ])('are not %j', (text) => {
    expect(parseKey(text)).toBeNull();
  });
});
