import type { EntityManager } from 'typeorm';
import { notFound } from '../../kernel/errors.js';
import type { AccessTerms } from './home-access.js';

/** The terms of a database, which tenants in it follow. Throws NOT_FOUND. */
export async function readHostTerms(
  tx: Pick<EntityManager, 'query'>,
  databaseId: string,
): Promise<AccessTerms> {
  const [row]: Omit<AccessTerms, 'host'>[] = await tx.query(
    'SELECT external_access AS "externalAccess", whitelist_size AS "whitelistSize" FROM databases WHERE id = $1',
    [databaseId],
  );
  if (!row) throw notFound('database', databaseId);
  return { ...row, host: null };
}
