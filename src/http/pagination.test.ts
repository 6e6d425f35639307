import { describe, expect, it } from 'vitest';
import { RowhouseError } from '../kernel/errors.js';
import { decodeCursor, encodeCursor, toPage } from './pagination.js';

const row = (n: number) => ({
  id: `00000000-0000-4000-8000-00000000000${n}`,
  createdAt: new Date(Date.UTC(2030, 0, n)),
});

describe('a cursor', () => {
  it('comes back as it was', () => {
    expect(decodeCursor(encodeCursor(row(1)))).toEqual(row(1));
  });

  it('is not needed for the first page', () => {
    expect(decodeCursor(undefined)).toBeNull();
  });

  it.each([
    '',
    'nonsense',
    Buffer.from('[]').toString('base64url'),
    Buffer.from('["soon", "00000000-0000-4000-8000-000000000001"]').toString('base64url'),
    Buffer.from('["2030-01-01T00:00:00.000Z", "1; DROP TABLE"]').toString('base64url'),
    Buffer.from('null').toString('base64url'),
  ])('is not %j', (text) => {
    expect(() => decodeCursor(text)).toThrow(RowhouseError);
  });
});

describe('a page', () => {
  it('ends with a cursor when there is more', () => {
    const page = toPage([row(3), row(2), row(1)], 2, ({ id }) => id);

    expect(page.items).toEqual([row(3).id, row(2).id]);
    expect(decodeCursor(page.nextCursor ?? '')).toEqual(row(2));
  });

  it('is the last one when all rows fit', () => {
    expect(toPage([row(2), row(1)], 2, ({ id }) => id).nextCursor).toBeNull();
  });
});
