import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { RowhouseError } from '../kernel/errors.js';
import { Page } from './reply.js';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

/** The query of every list. Extend it with the list's own filters. */
export class ListQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })
  @IsOptional()
  @Transform(({ value }) => toInteger(value))
  @IsInt({ message: `limit must be an integer from 1 to ${MAX_LIMIT}` })
  @Min(1, { message: `limit must be an integer from 1 to ${MAX_LIMIT}` })
  @Max(MAX_LIMIT, { message: `limit must be an integer from 1 to ${MAX_LIMIT}` })
  limit = DEFAULT_LIMIT;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before', maxLength: 512 })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  cursor?: string;
}

/** Where a page ends: the keyset of its last row. */
export interface Cursor {
  createdAt: Date;
  id: string;
}

/** Converts the text of a query parameter; what is no integer stays as it is, for the validation to refuse. */
export function toInteger(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

export function encodeCursor({ createdAt, id }: Cursor): string {
  return Buffer.from(JSON.stringify([createdAt.toISOString(), id])).toString('base64url');
}

/** Null for the first page. Throws INVALID_CURSOR. */
export function decodeCursor(text: string | undefined): Cursor | null {
  if (text === undefined) return null;
  const parts = parseCursor(text);
  if (!Array.isArray(parts) || parts.length !== 2) throw invalidCursor();
  const [time, id] = parts as unknown[];
  const createdAt = new Date(typeof time === 'string' ? time : Number.NaN);
  if (typeof id !== 'string' || !UUID.test(id) || Number.isNaN(createdAt.getTime())) throw invalidCursor();
  return { createdAt, id };
}

/** Cuts a page out of rows that were read with `LIMIT limit + 1`. */
export function toPage<Row extends Cursor, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return new Page(items.map(toItem), last ? encodeCursor(last) : null);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the cursor holds, unjudged; null when it is none. */
export function parseCursor(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

export function invalidCursor(): RowhouseError {
  const message = 'must be the next_cursor of a page of the same list in the same order';
  return new RowhouseError('INVALID_CURSOR', `cursor: ${message}`, {
    errors: [{ field: 'cursor', message }],
  });
}
