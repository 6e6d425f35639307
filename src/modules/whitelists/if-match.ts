import { ApiHeader } from '@nestjs/swagger';
import { RowhouseError } from '../../kernel/errors.js';

/** The request header, or nothing. */
export type IfMatch = string | undefined;

/** Throws PRECONDITION_REQUIRED without the header, and PRECONDITION_FAILED when it names another list (RFC 9110, 13.1.1). */
export function assertMatches(ifMatch: IfMatch, etag: string): void {
  if (ifMatch === undefined || ifMatch.trim() === '') {
    throw new RowhouseError(
      'PRECONDITION_REQUIRED',
      'Send the ETag of the list that this one replaces as If-Match; GET shows it.',
    );
  }
  const named = ifMatch.split(',').map((text) => text.trim());
  if (named.includes(etag) || named.includes('*')) return;
  throw new RowhouseError(
    'PRECONDITION_FAILED',
    `The list was changed meanwhile: its ETag is ${etag} now, not ${ifMatch}.`,
    { headers: { etag } },
  );
}

export function ApiIfMatch(): MethodDecorator {
  return ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'The ETag of the list that this one replaces; `*` is any.',
    schema: { type: 'string' },
    example: '"3"',
  });
}
