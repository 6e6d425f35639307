import { RoleName } from '../../../kernel/identifiers.js';

/** The roles around a database that hosts tenants, named after it. */
export interface HostRoles {
  /**
   * LOGIN, never given out: it owns the schema `shared` and every tenant schema, and all template SQL runs in its
   * sessions, so that no template and nothing planted in a table ever runs with an administrator's rights.
   */
  readonly provisioner: RoleName;
  /** LOGIN NOINHERIT, a member of every tenant's role: `SET LOCAL ROLE` works in any tenant, nothing works in none. */
  readonly app: RoleName;
  /** LOGIN: reads every tenant's tables. */
  readonly readonly: RoleName;
  /** NOLOGIN: every tenant's role is a member. Grants CONNECT and what all may read of `shared`. */
  readonly tenants: RoleName;
  /** NOLOGIN: the groups of those who read one tenant only are members. Grants CONNECT and what they may read of `shared`. */
  readonly readers: RoleName;
}

export function hostRoles(databaseName: string): HostRoles {
  return {
    provisioner: RoleName.of(`${databaseName}_provisioner`),
    app: RoleName.of(`${databaseName}_app`),
    readonly: RoleName.of(`${databaseName}_readonly`),
    tenants: RoleName.of(`${databaseName}_tenants`),
    readers: RoleName.of(`${databaseName}_readers`),
  };
}
