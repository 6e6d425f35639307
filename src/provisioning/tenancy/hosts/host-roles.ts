import { RoleName } from '../../../kernel/identifiers.js';

/** The roles around a database that hosts tenants, named after it. */
export interface HostRoles {
  /**
   * NOLOGIN: it owns the schema `shared` and every tenant schema. The owner of the database is a member, so nothing that
   * it could change may lead anywhere: a password of its own is of no use.
   */
  readonly provisioner: RoleName;
  /**
   * Never given out: Rowhouse logs in as this to act as the provisioner, so that no template and nothing planted in a
   * table ever runs with an administrator's rights. It can log in only while Rowhouse does (`LoginWindow`).
   */
  readonly worker: RoleName;
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
    worker: RoleName.of(`${databaseName}_worker`),
    app: RoleName.of(`${databaseName}_app`),
    readonly: RoleName.of(`${databaseName}_readonly`),
    tenants: RoleName.of(`${databaseName}_tenants`),
    readers: RoleName.of(`${databaseName}_readers`),
  };
}
