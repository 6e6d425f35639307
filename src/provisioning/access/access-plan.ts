import type { Cidr } from '../../kernel/cidr.js';

/** The direct port is PostgreSQL's, the pooled one PgBouncer's. */
export type AccessPort = 'direct' | 'pooled';

/** One rule that admits a network. */
export interface AdmittingRule {
  /** The whitelist rule; null for the networks of a login of its own. */
  readonly id: string | null;
  readonly network: Cidr;
}

/** A home that only the networks of its rules may reach; with no rule nobody may. */
export interface GuardedHome {
  /** Databases on the direct port: the home's own and its shadow. Empty for a tenant with a schema. */
  readonly databases: readonly string[];
  /** Names on the pooled port: of the same databases, and of the tenant schemas in it that have no rules of their own. */
  readonly aliases: readonly string[];
  /** The logins that belong to it; elsewhere they are refused from everywhere. */
  readonly roles: readonly string[];
  readonly rules: readonly AdmittingRule[];
}

/**
 * Logins with rules of their own: those of a tenant with a schema, or one role that was made with networks. They count
 * instead of the rules of the database that the logins enter.
 */
export interface GuardedLogins {
  /** Where the logins may go on the direct port: the hosting database. */
  readonly databases: readonly string[];
  /** And on the pooled port; of these, `ownAliases` are closed to everybody else. */
  readonly aliases: readonly string[];
  readonly ownAliases: readonly string[];
  readonly roles: readonly string[];
  readonly rules: readonly AdmittingRule[];
}

/** Everything about a server's access that is not open: the one source of both HBA files. */
export interface AccessPlan {
  readonly logins: readonly GuardedLogins[];
  readonly homes: readonly GuardedHome[];
  /** Rowhouse and the pooler as PostgreSQL sees them; nobody when they come over Unix sockets. */
  readonly directPeers: readonly Cidr[];
  /** Rowhouse as the pooler sees it. */
  readonly pooledPeers: readonly Cidr[];
}
