import type { EntityManager } from 'typeorm';
import type { ManagedServer } from '../managed-server.js';

type Mark = 'applied' | 'expired' | 'removed';

/** A rule of which something is not in force yet, or not known to be. */
export interface PendingRule {
  readonly id: string;
  readonly mark: Mark;
}

const FIND_PENDING = `
  SELECT id, mark
  FROM (
    SELECT r.id,
           CASE WHEN r.removed_at IS NOT NULL THEN 'removed'
                WHEN r.expires_at <= statement_timestamp() THEN CASE WHEN r.expired_at IS NULL THEN 'expired' END
                WHEN r.applied_at IS NULL THEN 'applied' END AS mark
    FROM whitelist_rules r
    LEFT JOIN databases d ON d.id = r.database_id
    LEFT JOIN tenants t ON t.id = r.tenant_id
    WHERE COALESCE(d.server_id, t.server_id) = $1
  ) AS rules
  WHERE mark IS NOT NULL`;

/** A rule's end may have been moved meanwhile. */
const MARK: Readonly<Record<Mark, string>> = {
  applied:
    'UPDATE whitelist_rules SET applied_at = clock_timestamp() WHERE id = ANY($1) AND applied_at IS NULL',
  expired: `UPDATE whitelist_rules SET expired_at = clock_timestamp()
            WHERE id = ANY($1) AND expired_at IS NULL AND expires_at <= clock_timestamp()`,
  removed: 'DELETE FROM whitelist_rules WHERE id = ANY($1) AND removed_at IS NOT NULL',
};

/** What a plan that is read after this will bring about. */
export function findPendingRules(tx: EntityManager, { id }: ManagedServer): Promise<PendingRule[]> {
  return tx.query(FIND_PENDING, [id]);
}

/** Writes down that both ports were seen to have it. */
export async function markRules(tx: EntityManager, pending: readonly PendingRule[]): Promise<void> {
  for (const mark of ['applied', 'expired', 'removed'] as const) {
    const ids = pending.filter((rule) => rule.mark === mark).map((rule) => rule.id);
    if (ids.length > 0) await tx.query(MARK[mark], [ids]);
  }
}
