import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import type { HomeRef, HomeStatus, WhitelistHome } from './whitelist-home.js';

const DATABASE = `
  SELECT id, server_id AS "serverId", status, whitelist_revision AS revision, whitelist_size AS "whitelistSize",
         external_access AS "externalAccess", database_name AS "databaseName", username
  FROM databases WHERE id = $1`;

const TENANT = `
  SELECT id, isolation, database_id AS "databaseId", server_id AS "serverId", status, whitelist_revision AS revision,
         whitelist_size AS "whitelistSize", external_access AS "externalAccess", schema_name AS alias,
         coalesce(username, '') AS username
  FROM tenants WHERE id = $1`;

interface DatabaseRow extends Omit<WhitelistHome, 'kind' | 'alias' | 'host'> {}

interface TenantRow extends Omit<WhitelistHome, 'kind' | 'databaseName' | 'host'> {
  readonly isolation: 'schema' | 'database';
  readonly databaseId: string | null;
}

type Queryable = Pick<EntityManager, 'query'>;

/** Finds what has a whitelist. Only SQL on the tables of homes, and on their columns about access. */
@Injectable()
export class WhitelistHomes {
  constructor(private readonly dataSource: DataSource) {}

  /** Throws NOT_FOUND. */
  get(ref: HomeRef, tx: Queryable = this.dataSource): Promise<WhitelistHome> {
    return this.read(tx, ref, '');
  }

  /** The same with its row locked until the transaction ends: changes of one list wait for each other. */
  getLocked(tx: EntityManager, ref: HomeRef): Promise<WhitelistHome> {
    return this.read(tx, ref, 'FOR UPDATE');
  }

  /** Counts the list's rules anew and the change itself. Resolves with the new revision. */
  async bumpRevision(tx: EntityManager, { kind, id }: HomeRef): Promise<number> {
    const [table, column] = kind === 'database' ? ['databases', 'database_id'] : ['tenants', 'tenant_id'];
    const [rows]: [{ revision: number }[], number] = await tx.query(
      `UPDATE ${table}
       SET whitelist_revision = whitelist_revision + 1,
         whitelist_size = (SELECT count(*) FROM whitelist_rules WHERE ${column} = $1 AND removed_at IS NULL)
       WHERE id = $1 RETURNING whitelist_revision AS revision`,
      [id],
    );
    return rows[0]?.revision ?? 0;
  }

  private read(tx: Queryable, { kind, id }: HomeRef, lock: string): Promise<WhitelistHome> {
    return kind === 'database' ? this.readDatabase(tx, id, lock) : this.readTenant(tx, id, lock);
  }

  private async readDatabase(tx: Queryable, id: string, lock: string): Promise<WhitelistHome> {
    const [row]: DatabaseRow[] = await tx.query(`${DATABASE} ${lock}`, [id]);
    if (!row) throw notFound('database', id);
    return { ...row, kind: 'database', alias: row.databaseName, host: null };
  }

  private async readTenant(tx: Queryable, id: string, lock: string): Promise<WhitelistHome> {
    const [row]: TenantRow[] = await tx.query(`${TENANT} ${lock}`, [id]);
    if (!row) throw notFound('tenant', id);
    const { isolation, databaseId, ...tenant } = row;
    if (!databaseId) throw new RowhouseError('RESOURCE_BUSY', "The tenant's database is being removed.");
    const database = await this.readDatabase(tx, databaseId, isolation === 'database' ? lock : '');
    if (isolation === 'database') return { ...database, status: ownStatus(tenant.status, database.status) };
    return { ...tenant, kind: 'tenant', databaseName: database.databaseName, host: database };
  }
}

/** Once it is made, a tenant with a database of its own is what that database is. */
function ownStatus(tenant: HomeStatus, database: HomeStatus): HomeStatus {
  return tenant === 'active' ? database : tenant;
}
