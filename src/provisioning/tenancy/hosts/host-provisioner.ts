import { Injectable } from '@nestjs/common';
import {
  bindOwner,
  CLOSE_HOST_ROLES,
  closeLargeObjects,
  FIND_ROLES,
  grantHost,
  grantPublicSchema,
  setPassword,
} from '../../../infra/postgres/host-sql.js';
import { joinGroup } from '../../../infra/postgres/login-sql.js';
import { createRole, type RoleRow } from '../../../infra/postgres/role-sql.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { DatabaseName, RoleName } from '../../../kernel/identifiers.js';
import { accessGroups } from '../../logins/login-names.js';
import type { ManagedServer } from '../../managed-server.js';
import { markOf, ownershipMismatch, workerMarkOf } from '../../marks.js';
import { dropEntangled } from '../../role-provisioner.js';
import { HostConnections } from './host-connections.js';
import { type HostRoles, hostRoles } from './host-roles.js';
import { installShared, upgradeShared } from './shared-installation.js';
import { ensureWorker } from './worker-role.js';

export interface HostTarget {
  readonly databaseName: string;
  /** The role that owns the database, which may do all that the provisioner may; null where nobody does. */
  readonly ownerRole: string | null;
}

export interface HostLogins {
  readonly databaseName: string;
  readonly appVerifier: string;
  readonly readonlyVerifier: string;
  /** CONNECTION LIMIT of each. */
  readonly maxConnections: number;
}

/** Makes a database into one that can hold tenants: the roles around it and the schema `shared`. Every method may run again. */
@Injectable()
export class HostProvisioner {
  constructor(private readonly connections: HostConnections) {}

  /** Roles, grants and schema; `_app` and `_readonly` cannot log in before `openLogins`. */
  async ensure(server: ManagedServer, target: HostTarget): Promise<void> {
    const roles = hostRoles(target.databaseName);
    await this.ensureRoles(server, target.databaseName);
    const owner = target.ownerRole === null ? null : RoleName.of(target.ownerRole);
    await server.postgres.execute(grantHost(DatabaseName.of(target.databaseName), roles, owner));
    await this.connections.use(server, target.databaseName, installShared);
    if (owner) await letReadersIn(server, roles, accessGroups(owner.value).readers);
  }

  /** Brings a schema `shared` of an earlier release up to date, with what tenants may do. Returns whether it was one. */
  upgrade(server: ManagedServer, databaseName: string): Promise<boolean> {
    return this.connections.use(server, databaseName, upgradeShared);
  }

  /** What many tenants in one database must not have, since it is no schema's. */
  async closeToTenants(server: ManagedServer, { databaseName, ownerRole }: HostTarget): Promise<void> {
    const sql = closeLargeObjects(ownerRole === null ? null : RoleName.of(ownerRole));
    await server.postgres.inDatabase(databaseName, (client) => client.query(sql));
  }

  /** Lets the template's tables stand in the schema `public` of a tenant's own database, with `shared` behind it. */
  async openPublicSchema(
    server: ManagedServer,
    { databaseName, ownerRole }: { databaseName: string; ownerRole: string },
  ): Promise<void> {
    const path = bindOwner(RoleName.of(ownerRole), DatabaseName.of(databaseName));
    const sql = `${grantPublicSchema(hostRoles(databaseName))}; ${path}`;
    await server.postgres.inDatabase(databaseName, (client) => client.query(sql));
  }

  /** Lets `_app` and `_readonly` log in, with these passwords. */
  async openLogins(server: ManagedServer, logins: HostLogins): Promise<void> {
    const { databaseName, appVerifier, readonlyVerifier, maxConnections } = logins;
    const { app, readonly } = hostRoles(databaseName);
    await server.postgres.execute(
      `${setPassword(app, appVerifier)} CONNECTION LIMIT ${maxConnections};
       ${setPassword(readonly, readonlyVerifier)} CONNECTION LIMIT ${maxConnections}`,
    );
  }

  /** Lets nobody use the roles in which Rowhouse works, and ends who does. */
  async closeRoles(server: ManagedServer, databaseName: string): Promise<void> {
    await server.postgres.execute(CLOSE_HOST_ROLES);
    await ensureWorker(server, databaseName);
  }

  /** After the database: a role that still owns something cannot go. */
  async dropRoles(server: ManagedServer, databaseName: string): Promise<void> {
    const names = Object.values(hostRoles(databaseName)) as RoleName[];
    const found = await findRoles(server, names);
    for (const name of names) {
      const role = found.get(name.value);
      if (role) await dropEntangled(server, { name: name.value, oid: role.oid });
    }
  }

  private async ensureRoles(server: ManagedServer, databaseName: string): Promise<void> {
    const { worker, ...others } = hostRoles(databaseName);
    const names = Object.values(others) as RoleName[];
    const found = await findRoles(server, names);
    const missing = names.filter((name) => !found.has(name.value));
    if (missing.length > 0) {
      const sql = missing.map((name) => createRole(name, markOf(server))).join(';');
      await server.postgres.execute(sql).catch(ignoreDuplicate);
    }
    await ensureWorker(server, databaseName);
  }
}

/** Those who read the database read of its tenants what `_readonly` does. */
async function letReadersIn(server: ManagedServer, roles: HostRoles, readers: RoleName): Promise<void> {
  const found = await findRoles(server, [readers]);
  if (found.size > 0) await server.postgres.execute(joinGroup(readers, roles.readonly));
}

async function findRoles(
  server: ManagedServer,
  names: readonly RoleName[],
): Promise<Map<string, Pick<RoleRow, 'oid' | 'canLogin'>>> {
  const rows = await server.postgres.query<RoleRow & Record<string, unknown>>(FIND_ROLES, [
    names.map((name) => name.value),
  ]);
  const marks = new Set([markOf(server), workerMarkOf(server)]);
  const stranger = rows.find(({ mark }) => mark === null || !marks.has(mark));
  if (stranger) throw ownershipMismatch('role', stranger.name);
  return new Map(rows.map((row) => [row.name, row]));
}

function ignoreDuplicate(error: unknown): void {
  const state = sqlState(error);
  if (state !== SQLSTATE.duplicateObject && state !== SQLSTATE.uniqueViolation) throw error;
}
