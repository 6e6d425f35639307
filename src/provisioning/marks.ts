import { RowhouseError } from '../kernel/errors.js';

export const BLANK_DATABASE = 'rowhouse_blank';
/** Where template versions are tried out; nobody's home. */
export const SCRATCH_DATABASE = 'rowhouse_scratch';
export const MARK_PREFIX = 'rowhouse:';

/** The comment on what Rowhouse makes on a server. It tells one installation's objects from another's. */
export function markOf(server: { readonly id: string }): string {
  return `${MARK_PREFIX}${server.id}`;
}

/** The same for roles that Rowhouse alone uses. It begins differently, so the pooler's look-up does not know them. */
export function workerMarkOf(server: { readonly id: string }): string {
  return `rowhouse worker:${server.id}`;
}

export function ownershipMismatch(what: string, name: string): RowhouseError {
  return new RowhouseError(
    'OWNERSHIP_MISMATCH',
    `The ${what} "${name}" on the server is not the one that Rowhouse made. It was left alone.`,
  );
}
