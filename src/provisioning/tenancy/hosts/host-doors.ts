import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  admitTenants,
  END_HOSTED_SESSIONS,
  FIND_ROLES,
  refuseTenants,
} from '../../../infra/postgres/host-sql.js';
import { createRole } from '../../../infra/postgres/role-sql.js';
import { DatabaseName } from '../../../kernel/identifiers.js';
import type { ManagedServer } from '../../managed-server.js';
import { markOf } from '../../marks.js';
import { PoolerAliases } from '../../pooler-aliases.js';
import { SessionEnd } from '../../session-end.js';
import { hostRoles } from './host-roles.js';

const FIND_SCHEMAS = `
  SELECT t.schema_name AS alias FROM tenants t JOIN databases d ON d.id = t.database_id
  WHERE d.database_name = $1 AND t.isolation = 'schema'`;

/** The doors of everybody who lives in a hosting database: tenants' logins, `_app` and `_readonly`. */
@Injectable()
export class HostDoors {
  constructor(
    private readonly dataSource: DataSource,
    private readonly aliases: PoolerAliases,
    private readonly sessionEnd: SessionEnd,
  ) {}

  /** Refuses their logins on both ports and ends their sessions. A database that hosts nobody is left alone. */
  async close(server: ManagedServer, databaseName: string): Promise<void> {
    if (!(await hasTenants(server, databaseName))) return;
    await server.postgres.execute(refuseTenants(DatabaseName.of(databaseName), hostRoles(databaseName)));
    const tenants: { alias: string }[] = await this.dataSource.query(FIND_SCHEMAS, [databaseName]);
    await this.aliases.evictAll(
      server,
      tenants.map(({ alias }) => alias),
    );
    const { worker } = hostRoles(databaseName);
    await this.sessionEnd.await(server, {
      sql: END_HOSTED_SESSIONS,
      parameters: [databaseName, worker.value],
      what: `the sessions in ${databaseName} to end`,
      looks: 1,
    });
  }

  async open(server: ManagedServer, databaseName: string): Promise<void> {
    if (!(await hasTenants(server, databaseName))) return;
    await server.postgres.execute(admitTenants(DatabaseName.of(databaseName), hostRoles(databaseName)));
  }
}

/** A host from before there were readers gets their role here, so that the statements can name it. */
async function hasTenants(server: ManagedServer, databaseName: string): Promise<boolean> {
  const { tenants, readers } = hostRoles(databaseName);
  const rows = await server.postgres.query<{ name: string }>(FIND_ROLES, [[tenants.value, readers.value]]);
  const names = new Set(rows.map(({ name }) => name));
  if (names.has(tenants.value) && !names.has(readers.value)) {
    await server.postgres.execute(createRole(readers, markOf(server)));
  }
  return names.has(tenants.value);
}
