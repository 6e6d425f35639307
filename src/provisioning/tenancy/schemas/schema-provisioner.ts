import { Injectable } from '@nestjs/common';
import type { ClientBase, QueryResult } from 'pg';
import {
  admitApp,
  bindTenant,
  dropSchema,
  dropTables,
  END_MESSAGES,
  FIND_DROPPABLE,
  FIND_SCHEMA,
  FIND_SCHEMA_BY_OID,
  joinTenants,
  refuseApp,
  type SchemaRow,
} from '../../../infra/postgres/host-sql.js';
import { openRole, prepareRole, type RoleSettings } from '../../../infra/postgres/role-sql.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { DatabaseName, quoteLiteral, RoleName, SchemaName } from '../../../kernel/identifiers.js';
import { FurtherLogins } from '../../logins/further-logins.js';
import type { ManagedServer } from '../../managed-server.js';
import { ownershipMismatch } from '../../marks.js';
import { pollUntil } from '../../poll.js';
import { PoolerAliases } from '../../pooler-aliases.js';
import { RoleProvisioner } from '../../role-provisioner.js';
import { HostConnections } from '../hosts/host-connections.js';
import { hostRoles } from '../hosts/host-roles.js';
import { HostTemplates } from '../hosts/host-templates.js';
import { Registry } from '../hosts/registry.js';
import { asRefusal } from './template-refusal.js';
import { COMMIT_LATER, kindsOf, renderStages } from './template-stages.js';

/** A tenant in a schema, as its server sees it. */
export interface SchemaTenant extends RoleSettings {
  readonly id: string;
  readonly databaseName: string;
  readonly schemaName: string;
  readonly schemaOid: number | null;
  /** The login role; it has the schema's name. */
  readonly username: string;
  readonly roleOid: number | null;
  readonly scramVerifier: string;
}

export interface Content {
  /** Null for an empty schema. */
  readonly template: { readonly templateId: string; readonly version: number } | null;
  readonly seeds: boolean;
}

/** A drop locks a table, its indexes, its sequences and its TOAST table; this many at a time stay far from the lock table's size. */
const TABLES_A_DROP = 100;
const SESSIONS_PATIENCE_MS = 15_000;

/** Makes and removes tenants' schemas and logins. Every method may run again. */
@Injectable()
export class SchemaProvisioner {
  constructor(
    private readonly roles: RoleProvisioner,
    private readonly logins: FurtherLogins,
    private readonly aliases: PoolerAliases,
    private readonly connections: HostConnections,
    private readonly templates: HostTemplates,
    private readonly registry: Registry,
  ) {}

  /** The role, which cannot log in. Returns its OID. */
  ensureRole(server: ManagedServer, tenant: SchemaTenant): Promise<number> {
    const join = joinTenants(RoleName.of(tenant.username), hostRoles(tenant.databaseName));
    return this.roles.make(server, tenant, join);
  }

  /** Password, limits and search_path of a role that cannot log in yet. */
  async prepareRole(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
    const role = RoleName.of(tenant.username);
    const bind = bindTenant(role, DatabaseName.of(tenant.databaseName));
    await server.postgres.execute(`${prepareRole(role, tenant.scramVerifier, tenant)}; ${bind}`);
  }

  /** Schema, tables, seeds, grants, ledger and registry row. Returns the schema's OID. */
  async ensureSchema(server: ManagedServer, tenant: SchemaTenant, content: Content): Promise<number> {
    try {
      return await this.connections.use(server, tenant.databaseName, (client) =>
        this.provision(client, server, { tenant, content }),
      );
    } catch (error) {
      if (sqlState(error) !== SQLSTATE.duplicateSchema) throw asRefusal(error);
      return this.finish(server, tenant, content);
    }
  }

  /** Connection limit and default timeouts; sessions have them from their next login on, pooled ones as well. */
  async applySettings(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
    const role = await this.roles.find(server, tenant);
    const isLowered = role !== null && tenant.maxConnections < role.connectionLimit;
    if (isLowered) await this.aliases.sync(server);
    if (isLowered) await this.aliases.reconnect(server, tenant.schemaName);
    await this.logins.applySettings(server, tenant);
    if (!isLowered) await this.aliases.sync(server);
    await this.aliases.reconnect(server, tenant.schemaName);
  }

  /** For a tenant that somebody has asked for: its login and the host's `_app` role may work in it from now on. */
  openLogin(
    server: ManagedServer,
    tenant: Pick<SchemaTenant, 'username' | 'databaseName'> & RoleSettings,
  ): Promise<void> {
    const role = RoleName.of(tenant.username);
    const admit = admitApp(role, hostRoles(tenant.databaseName));
    return server.postgres.execute(`${openRole(role, tenant)}; ${admit}`);
  }

  /** Password, LOGIN, limit and timeouts for all its logins, and the host's `_app` role may work in it (again). */
  async enableLogin(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
    await this.logins.openAll(server, tenant);
    await server.postgres.execute(admitApp(RoleName.of(tenant.username), hostRoles(tenant.databaseName)));
  }

  /** Refuses logins on both ports and every door of `_app`, and ends the sessions. */
  async disableLogin(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
    const roles = await this.logins.closeAll(server, tenant);
    if (roles.length > 0) {
      const sql = refuseApp(RoleName.of(tenant.username), hostRoles(tenant.databaseName));
      await server.postgres.execute(sql).catch(ignoreUndefined);
    }
    await this.aliases.evict(server, tenant.schemaName);
    for (const role of roles) await this.roles.awaitNoSessions(server, role);
  }

  /** Throws OWNERSHIP_MISMATCH when `dropSchema` or `dropRole` would. Changes nothing. */
  async assertOwned(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
    await this.connections.use(server, tenant.databaseName, (client) => this.findOwned(client, tenant));
    await this.roles.find(server, tenant);
  }

  /** Drops the schema with all that is in it. Absent is fine; another one of that name throws OWNERSHIP_MISMATCH. */
  async dropSchema(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
    await endProvisioning(server, tenant);
    await this.connections.use(server, tenant.databaseName, async (client) => {
      const found = await this.findOwned(client, tenant);
      if (found) await dropInParts(client, found);
      await this.registry.remove(client, tenant);
    });
  }

  /** With everybody's who logged in besides; after the schema. */
  async dropRole(server: ManagedServer, tenant: Pick<SchemaTenant, 'username' | 'roleOid'>): Promise<void> {
    await this.logins.dropAll(server, tenant);
    await this.roles.drop(server, tenant);
  }

  /** One message: each round trip would show in the time of a creation. */
  private async provision(
    client: ClientBase,
    server: ManagedServer,
    { tenant, content }: { tenant: SchemaTenant; content: Content },
  ): Promise<number> {
    const { template } = content;
    if (template) {
      await this.templates.ensure(client, { server, databaseName: tenant.databaseName }, template);
    }
    const results = await client.query(renderProvision(tenant, content));
    const [row] = (results as unknown as QueryResult<{ oid: number }>[])[1]?.rows ?? [];
    if (!row) throw new Error(`the schema ${tenant.schemaName} vanished while it was made`);
    return row.oid;
  }

  /** The schema that an earlier attempt made, with the versions that it did not come to. */
  private async finish(server: ManagedServer, tenant: SchemaTenant, content: Content): Promise<number> {
    return this.connections.use(server, tenant.databaseName, async (client) => {
      const found = await this.findOwned(client, tenant);
      if (!found) throw ownershipMismatch('schema', tenant.schemaName);
      const missing = stagesOf(tenant, content, 1);
      if (missing !== '') {
        await client.query(missing).catch((error: unknown) => {
          throw asRefusal(error);
        });
      }
      return found.oid;
    });
  }

  /**
   * Null when there is none. Throws OWNERSHIP_MISMATCH when the name is another's, or the tenant's schema has another
   * name now. Before the OID was recorded, the registry row is the proof.
   */
  private async findOwned(client: ClientBase, tenant: SchemaTenant): Promise<SchemaRow | null> {
    const named = await findSchema(client, FIND_SCHEMA, SchemaName.of(tenant.schemaName).value);
    if (tenant.schemaOid === null) return named && this.assertRegistered(client, tenant, named);
    if (named?.oid === tenant.schemaOid) return named;
    if (named) throw ownershipMismatch('schema', tenant.schemaName);
    const renamed = await findSchema(client, FIND_SCHEMA_BY_OID, tenant.schemaOid);
    if (renamed) throw renamedByHand(tenant.schemaName, renamed.name);
    return null;
  }

  private async assertRegistered(
    client: ClientBase,
    { id, schemaName }: SchemaTenant,
    found: SchemaRow,
  ): Promise<SchemaRow> {
    if ((await this.registry.findOwner(client, schemaName)) === id) return found;
    throw ownershipMismatch('schema', schemaName);
  }
}

/** PostgreSQL finishes what a process that died had asked for: the schema would come into being after it was dropped. */
function endProvisioning(server: ManagedServer, tenant: SchemaTenant): Promise<void> {
  const { databaseName } = tenant;
  const sought = [provisionFor(tenant), hostRoles(databaseName).worker.value, databaseName];
  const isOver = async () => (await server.postgres.query(END_MESSAGES, sought)).length === 0;
  return pollUntil(isOver, {
    timeoutMs: SESSIONS_PATIENCE_MS,
    what: `the making of ${tenant.schemaName} to end`,
  });
}

function provisionFor({ id }: Pick<SchemaTenant, 'id'>): string {
  return `SELECT shared.provision_tenant_schema(${quoteLiteral(id)}`;
}

/** Nobody's tenant yet when it is made: an application that looks for active ones must not find it. */
function renderProvision(tenant: SchemaTenant, content: Content): string {
  const { id, schemaName } = tenant;
  const { template, seeds } = content;
  const name = quoteLiteral(SchemaName.of(schemaName).value);
  const templateId = template ? quoteLiteral(template.templateId) : 'NULL';
  const others = stagesOf(tenant, content, 2);
  return `${provisionFor(tenant)}, ${name}, ${templateId}, ${template ? 1 : 0}, ${seeds});
    UPDATE shared.tenants SET status = 'creating' WHERE id = ${quoteLiteral(id)}
    RETURNING (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = ${name}) AS oid${
      others && `; BEGIN; ${COMMIT_LATER}; COMMIT; ${others}`
    }`;
}

/** From a version on; empty where there is none. */
function stagesOf({ schemaName }: SchemaTenant, { template, seeds }: Content, first: number): string {
  if (!template) return '';
  const { templateId, version } = template;
  return renderStages({ schemaName, templateId, first, last: version, kinds: kindsOf({ seeds }) });
}

async function findSchema(client: ClientBase, sql: string, key: string | number): Promise<SchemaRow | null> {
  const { rows } = await client.query<SchemaRow>(sql, [key]);
  return rows[0] ?? null;
}

async function dropInParts(client: ClientBase, { oid, name }: SchemaRow): Promise<void> {
  const { rows } = await client.query<{ name: string }>(FIND_DROPPABLE, [oid]);
  for (let at = TABLES_A_DROP; at < rows.length; at += TABLES_A_DROP) {
    const part = rows.slice(at - TABLES_A_DROP, at).map((table) => table.name);
    await client.query(dropTables(name, part));
  }
  await client.query(dropSchema(name));
}

function renamedByHand(expected: string, name: string): RowhouseError {
  return new RowhouseError(
    'OWNERSHIP_MISMATCH',
    `The schema "${expected}" was renamed to "${name}" by hand. Rename it back: ALTER SCHEMA "${name}" RENAME TO "${expected}".`,
  );
}

function ignoreUndefined(error: unknown): void {
  if (sqlState(error) !== SQLSTATE.undefinedObject) throw error;
}
