/** In one list. */
export const MAX_RULES = 200;

export const RULE_STATUSES = ['stored', 'applied', 'removing', 'expired'] as const;
export type RuleStatus = (typeof RULE_STATUSES)[number];

/** A row of `whitelist_rules`. */
export interface WhitelistRule {
  readonly id: string;
  readonly databaseId: string | null;
  readonly tenantId: string | null;
  /** Canonical CIDR. */
  readonly network: string;
  readonly description: string;
  readonly expiresAt: Date | null;
  readonly expiredAt: Date | null;
  readonly appliedAt: Date | null;
  readonly removedAt: Date | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

/** What the ports were seen to do, not what the clock says: a rule that is due to expire still admits until then. */
export function statusOf({ removedAt, expiredAt, appliedAt }: WhitelistRule): RuleStatus {
  if (removedAt) return 'removing';
  if (expiredAt) return 'expired';
  return appliedAt ? 'applied' : 'stored';
}
