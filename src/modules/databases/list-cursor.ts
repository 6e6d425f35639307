import { invalidCursor, parseCursor } from '../../http/pagination.js';
import type { DatabaseEntity } from './database.entity.js';
import type { DatabaseSort } from './dto/list-databases.query.js';

/** Where a page ends: the order it was made in, the sorted value and the id of its last row. */
export interface ListCursor {
  readonly value: string;
  readonly id: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function encodeListCursor(sort: DatabaseSort, last: DatabaseEntity): string {
  const value = sort.endsWith('created_at') ? last.createdAt.toISOString() : last.friendlyName;
  return Buffer.from(JSON.stringify([sort, value, last.id])).toString('base64url');
}

/** Null for the first page. Throws INVALID_CURSOR, also for a cursor of another order. */
export function decodeListCursor(sort: DatabaseSort, text: string | undefined): ListCursor | null {
  if (text === undefined) return null;
  const parts = parseCursor(text);
  if (!Array.isArray(parts) || parts.length !== 3) throw invalidCursor();
  const [order, value, id] = parts as unknown[];
  if (order !== sort || typeof value !== 'string' || typeof id !== 'string' || !UUID.test(id))
    throw invalidCursor();
  if (sort.endsWith('created_at') && Number.isNaN(Date.parse(value))) throw invalidCursor();
  if (value.includes('\0')) throw invalidCursor();
  return { value, id };
}
