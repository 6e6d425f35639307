import { invalidField, RowhouseError } from '../kernel/errors.js';
import { fieldPath } from './field-path.js';

export const MAX_DEPTH = 32;
/** The time that class-transformer takes for an object grows with the square of its fields. */
const MAX_FIELDS = 1_000;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Refuses what PostgreSQL could not store, NUL and halves of surrogate pairs, in values and in names; and what is deeper
 * or wider than any route takes. Walks without recursion, since the depth is the client's choice.
 */
export function assertStorable(root: unknown, rootName: string): void {
  const pending: { value: unknown; field: string; depth: number }[] = [{ value: root, field: '', depth: 0 }];
  for (let entry = pending.pop(); entry; entry = pending.pop()) {
    const { value, field, depth } = entry;
    if (typeof value === 'string') assertText(value, field || rootName);
    if (typeof value !== 'object' || value === null) continue;
    if (depth === MAX_DEPTH) throw invalidField(field, `must be nested at most ${MAX_DEPTH} levels deep`);
    const fields = Object.entries(value);
    if (!Array.isArray(value) && fields.length > MAX_FIELDS)
      throw invalidField(field || rootName, `must have at most ${MAX_FIELDS} fields`);
    for (const [name, inner] of fields) {
      assertText(name, field || rootName);
      pending.push({ value: inner, field: fieldPath(field, name), depth: depth + 1 });
    }
  }
}

export function malformedBody(message: string, cause?: unknown): RowhouseError {
  return new RowhouseError('MALFORMED_BODY', `body: ${message}`, {
    errors: [{ field: 'body', message }],
    cause,
  });
}

function assertText(text: string, field: string): void {
  if (text.includes('\0')) throw invalidField(field, 'must not contain the NUL character');
  if (LONE_SURROGATE.test(text)) throw invalidField(field, 'must be well-formed Unicode text');
}
