import type { EntityManager } from 'typeorm';
import type { RuleRow } from './access-rows.js';

const MARK_APPLIED = `
  UPDATE whitelist_rules SET applied_at = clock_timestamp() WHERE id = ANY($1::uuid[]) AND applied_at IS NULL`;
/** Its end may have been moved meanwhile. */
const MARK_EXPIRED = `
  UPDATE whitelist_rules SET expired_at = clock_timestamp()
  WHERE id = ANY($1::uuid[]) AND expired_at IS NULL AND expires_at <= clock_timestamp()`;
const FORGET_REMOVED = 'DELETE FROM whitelist_rules WHERE id = ANY($1::uuid[]) AND removed_at IS NOT NULL';

/** Writes down what both ports were seen to have: only of the rows that the plan was made of. */
export async function markRules(tx: EntityManager, rules: readonly RuleRow[]): Promise<void> {
  const kept = rules.filter((rule) => !rule.isRemoved);
  const steps: [string, RuleRow[]][] = [
    [MARK_APPLIED, kept.filter((rule) => !rule.isExpired && !rule.isApplied)],
    [MARK_EXPIRED, kept.filter((rule) => rule.isExpired && !rule.isEnded)],
    [FORGET_REMOVED, rules.filter((rule) => rule.isRemoved)],
  ];
  for (const [sql, rows] of steps) {
    if (rows.length > 0) await tx.query(sql, [rows.map((rule) => rule.id)]);
  }
}
