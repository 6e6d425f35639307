import { describe, expect, it } from 'vitest';
import { parsePrefer } from './prefer.js';

describe('Prefer', () => {
  it('waits 30 seconds when nothing is asked', () => {
    expect(parsePrefer(undefined)).toEqual({ waitMs: 30_000, applied: null });
  });

  it.each([
    ['wait=5', 5_000, 'wait=5'],
    ['wait="7"', 7_000, 'wait=7'],
    ['Wait = 0', 0, 'wait=0'],
    ['return=minimal, wait=300; foo', 300_000, 'wait=300'],
    ['respond-async', 0, 'respond-async'],
    ['respond-async, wait=10', 10_000, 'wait=10'],
  ])('honours %s', (header, waitMs, applied) => {
    expect(parsePrefer(header)).toEqual({ waitMs, applied });
  });

  it.each(['wait=301', 'wait=-1', 'wait=1.5', 'wait=soon', 'wait', 'return=minimal', ''])(
    'ignores %j',
    (header) => {
      expect(parsePrefer(header)).toEqual({ waitMs: 30_000, applied: null });
    },
  );
});
