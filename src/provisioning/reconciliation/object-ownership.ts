import { Injectable, Logger } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../../infra/postgres/postgres-admin.js';
import { AccessGroups } from '../logins/access-groups.js';
import { LoginHomes } from '../logins/login-home.js';
import { accessGroups } from '../logins/login-names.js';
import type { ManagedServer } from '../managed-server.js';
import { HostConnections } from '../tenancy/hosts/host-connections.js';
import { HostProvisioner } from '../tenancy/hosts/host-provisioner.js';
import { hostRoles } from '../tenancy/hosts/host-roles.js';
import { compareObjects, isKnown, type ObservedObjects } from './compare-objects.js';
import { type ExpectedObjects, lockExpectedObjects, readExpectedObjects } from './expected-objects.js';
import type { Finding } from './finding.js';
import { type KnownObjects, KnownObjectsReader } from './known-objects.js';
import {
  type HostLook,
  LIST_OBJECTS,
  LIST_STRAYS,
  LOOK_AT_HOST,
  type ObjectRow,
} from './object-owners-sql.js';

const UNSTAMP = 'COMMENT ON SCHEMA shared IS NULL';
const PATIENCE = `SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s'`;

/** Who owns what Rowhouse made inside hosts and tenants' own databases. */
@Injectable()
export class ObjectOwnership {
  private readonly logger = new Logger(ObjectOwnership.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly known: KnownObjectsReader,
    private readonly hosts: HostProvisioner,
    private readonly connections: HostConnections,
    private readonly homes: LoginHomes,
    private readonly groups: AccessGroups,
  ) {}

  /** Only of databases that were the same, and idle, before and after the look. */
  async find(server: ManagedServer, openDatabases: ReadonlySet<string>): Promise<Finding[]> {
    const before = await readExpectedObjects(this.dataSource.manager, server.id);
    const places = before.filter(({ databaseName }) => openDatabases.has(databaseName));
    const found = new Map<string, Finding[]>();
    for (const place of places) found.set(JSON.stringify(place), await this.look(server, place));
    const after = await readExpectedObjects(this.dataSource.manager, server.id);
    return after.flatMap((place) => found.get(JSON.stringify(place)) ?? []);
  }

  /** Returns false when something works on the database by now. */
  async giveBack(server: ManagedServer, databaseId: string): Promise<boolean> {
    const found = await this.dataSource.transaction(async (tx) => {
      const place = await lockExpectedObjects(tx, databaseId);
      return place && { place, schemas: await this.takeBack(server, place) };
    });
    if (!found) return false;
    await this.restore(server, found.place, found.schemas);
    return true;
  }

  private async look(server: ManagedServer, place: ExpectedObjects): Promise<Finding[]> {
    try {
      const known = await this.knownOf(server, place);
      const observed = await server.postgres.inDatabase(place.databaseName, (client) =>
        observe(client, place),
      );
      return compareObjects(place, observed, known);
    } catch (error) {
      this.logger.warn(`The objects in ${place.databaseName} could not be looked at`, error);
      return [];
    }
  }

  /** The administrator's session changes owners and nothing else, since that runs nobody's code. */
  private async takeBack(server: ManagedServer, place: ExpectedObjects): Promise<string[]> {
    const known = await this.knownOf(server, place);
    return server.postgres.inDatabase(place.databaseName, (client) =>
      inTransaction(client, () => changeOwners(client, place, known)),
    );
  }

  /**
   * What is in `shared` is written anew by the provisioner; what it has no rights for, no function that it then owns can
   * do. The tenant's code may run in that, so nothing in the control database is locked meanwhile.
   */
  private async restore(
    server: ManagedServer,
    { databaseName, ownerRole, own, databaseId }: ExpectedObjects,
    schemas: readonly string[],
  ): Promise<void> {
    await this.hosts.ensure(server, { databaseName, ownerRole });
    if (own) await this.hosts.openPublicSchema(server, { databaseName, ownerRole });
    await this.connections.use(server, databaseName, (client) => grantTenants(client, schemas));
    if (own) await recordPublic(this.dataSource.manager, server, { databaseName, tenantId: own.tenantId });
    const { readers } = accessGroups(ownerRole);
    const hasReaders = await server.postgres.find('SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', [
      readers.value,
    ]);
    if (hasReaders)
      await this.groups.ensure(server, await this.homes.get({ type: 'database', id: databaseId }));
  }

  private knownOf(server: ManagedServer, { own }: ExpectedObjects): Promise<KnownObjects> {
    return this.known.find(server, own);
  }
}

async function observe(client: ClientBase, place: ExpectedObjects): Promise<ObservedObjects> {
  const provisioner = hostRoles(place.databaseName).provisioner.value;
  const isOwn = place.own !== null;
  const looks = await client.query<HostLook>(LOOK_AT_HOST, [provisioner, isOwn]);
  const [look] = looks.rows;
  if (!look) throw new Error('the look at a host gave no row');
  const strays = await listStrays(client, place);
  const present = isOwn ? (await client.query<ObjectRow>(LIST_OBJECTS, [['public']])).rows : [];
  return { look, strays, present: new Set(present.map(({ key }) => key)) };
}

async function listStrays(client: ClientBase, place: ExpectedObjects): Promise<ObjectRow[]> {
  const schemas = ['shared', ...(place.own ? ['public'] : place.schemas)];
  const provisioner = hostRoles(place.databaseName).provisioner.value;
  return (await client.query<ObjectRow>(LIST_STRAYS, [schemas, provisioner])).rows;
}

/** Returns the schemas of tenants in a host of which something changed hands. */
async function changeOwners(
  client: ClientBase,
  place: ExpectedObjects,
  known: KnownObjects,
): Promise<string[]> {
  await client.query(PATIENCE);
  const strays = (await listStrays(client, place)).filter((row) => isKnown(row, known, place));
  const owner = hostRoles(place.databaseName).provisioner.sql;
  for (const { alter } of strays) await client.query(`${alter}${owner}`);
  await client.query(UNSTAMP);
  const schemas = new Set(strays.map(({ schema }) => schema));
  return [...schemas].filter((schema) => place.schemas.includes(schema));
}

async function grantTenants(client: ClientBase, schemas: readonly string[]): Promise<void> {
  for (const schema of schemas) {
    await client.query('SELECT shared.grant_tenant_schema($1, $1)', [schema]);
  }
}

/** A restore may have made `public` anew. */
async function recordPublic(
  tx: EntityManager,
  server: ManagedServer,
  { databaseName, tenantId }: { databaseName: string; tenantId: string },
): Promise<void> {
  const { rows } = await server.postgres.inDatabase(databaseName, (client) =>
    client.query<{ oid: number }>(`SELECT pg_catalog.to_regnamespace('public')::oid AS oid`),
  );
  await tx.query('UPDATE tenants SET schema_oid = $2 WHERE id = $1', [tenantId, rows[0]?.oid]);
}
