import type { Config } from '../config/config.js';
import type { RoleSettings } from '../infra/postgres/role-sql.js';

/** What a home gets that asks for nothing else; the stock is made with it. */
export function defaultSettings({ databases }: Config): RoleSettings {
  return {
    maxConnections: databases.defaultMaxConnections,
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    idleInTransactionTimeoutMs: 60_000,
  };
}

/** The same for a tenant in a schema. */
export function defaultTenantSettings({ tenants }: Config): RoleSettings {
  return {
    maxConnections: tenants.defaultMaxConnections,
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    idleInTransactionTimeoutMs: 60_000,
  };
}

/** How many connections the homes in stock may have. */
export function stockLimits({ databases, tenants }: Config): { database: number; tenant: number } {
  return { database: databases.defaultMaxConnections, tenant: tenants.defaultMaxConnections };
}
