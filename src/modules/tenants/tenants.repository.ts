import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { statesBefore } from '../../kernel/transitions.js';
import type { TenantStatus } from '../../provisioning/tenancy/schemas/tenant-home.js';
import type { Tenant } from './tenant.js';
import { TENANT_TRANSITIONS } from './tenant-status.js';

const HOST_TERMS = `json_build_object('externalAccess', d.external_access, 'whitelistSize', d.whitelist_size, 'host', NULL)`;

const SELECT = `
  SELECT t.id, t.slug, t.name, t.isolation,
         CASE WHEN t.isolation = 'database' AND t.status = 'active' THEN coalesce(d.status, 'deleting')
              ELSE t.status END AS status,
         t.server_id AS "serverId", t.database_id AS "databaseId", coalesce(d.database_name, '') AS "databaseName",
         coalesce(d.username, '') AS "databaseOwner",
         t.schema_name AS "schemaName", t.schema_oid AS "schemaOid",
         coalesce(t.username, d.username, '') AS username,
         CASE t.isolation WHEN 'schema' THEN t.role_oid ELSE d.role_oid END AS "roleOid",
         coalesce(t.scram_verifier, d.scram_verifier, '') AS "scramVerifier",
         CASE t.isolation WHEN 'schema' THEN t.password_ciphertext ELSE d.password_ciphertext END AS "passwordCiphertext",
         CASE t.isolation WHEN 'schema' THEN t.login ELSE coalesce(d.login, 'own') END AS login,
         t.next_login AS "nextLogin", t.next_scram_verifier AS "nextScramVerifier", t.next_password_ciphertext AS "nextPasswordCiphertext",
         CASE t.isolation WHEN 'schema' THEN t.max_connections ELSE coalesce(d.max_connections, t.max_connections) END
           AS "maxConnections",
         CASE t.isolation WHEN 'schema' THEN t.statement_timeout_ms
              ELSE coalesce(d.statement_timeout_ms, t.statement_timeout_ms) END AS "statementTimeoutMs",
         CASE t.isolation WHEN 'schema' THEN t.lock_timeout_ms
              ELSE coalesce(d.lock_timeout_ms, t.lock_timeout_ms) END AS "lockTimeoutMs",
         CASE t.isolation WHEN 'schema' THEN t.idle_in_transaction_timeout_ms
              ELSE coalesce(d.idle_in_transaction_timeout_ms, t.idle_in_transaction_timeout_ms) END
           AS "idleInTransactionTimeoutMs",
         t.template_id AS "templateId", t.template_version AS "templateVersion",
         t.deletion_protection AS "deletionProtection",
         CASE t.isolation WHEN 'schema' THEN t.external_access ELSE d.external_access END AS "externalAccess",
         CASE t.isolation WHEN 'schema' THEN t.whitelist_size ELSE coalesce(d.whitelist_size, 0) END AS "whitelistSize",
         CASE t.isolation WHEN 'schema' THEN ${HOST_TERMS} END AS "hostTerms",
         t.metadata, t.cloned_from AS "clonedFrom",
         t.created_at AS "createdAt", t.updated_at AS "updatedAt"
  FROM tenants t LEFT JOIN databases d ON d.id = t.database_id`;

const INSERT = `
  INSERT INTO tenants (id, slug, name, isolation, status, server_id, database_id, schema_name, schema_oid, username,
    role_oid, scram_verifier, password_ciphertext, max_connections, statement_timeout_ms, lock_timeout_ms,
    idle_in_transaction_timeout_ms, template_id, template_version, deletion_protection, metadata, cloned_from,
    external_access, created_at, updated_at)
  VALUES ($1, $2, $3, $4, 'creating', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22, $23, $23)`;

const COLUMNS = {
  slug: 'slug',
  name: 'name',
  maxConnections: 'max_connections',
  statementTimeoutMs: 'statement_timeout_ms',
  lockTimeoutMs: 'lock_timeout_ms',
  idleInTransactionTimeoutMs: 'idle_in_transaction_timeout_ms',
  deletionProtection: 'deletion_protection',
  externalAccess: 'external_access',
  metadata: 'metadata',
  schemaOid: 'schema_oid',
  roleOid: 'role_oid',
  templateVersion: 'template_version',
  updatedAt: 'updated_at',
} as const satisfies Partial<Record<keyof Tenant, string>>;

export type TenantChanges = Partial<Pick<Tenant, keyof typeof COLUMNS>>;

export interface TenantListFilter {
  readonly status?: TenantStatus;
  readonly isolation?: string;
  readonly databaseId?: string;
  readonly templateId?: string;
  readonly slug?: string;
  readonly search?: string;
  /** Of these alone; null is all. */
  readonly tenantIds: readonly string[] | null;
  readonly limit: number;
}

type Queryable = Pick<EntityManager, 'query'>;

@Injectable()
export class TenantsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string, tx: Queryable = this.dataSource): Promise<Tenant | null> {
    const [tenant]: Tenant[] = await tx.query(`${SELECT} WHERE t.id = $1`, [id]);
    return tenant ?? null;
  }

  /** The row's own status, which of a tenant with a database of its own is not that of the database. */
  async statusOf(tx: Queryable, id: string): Promise<TenantStatus | null> {
    const [row]: { status: TenantStatus }[] = await tx.query('SELECT status FROM tenants WHERE id = $1', [
      id,
    ]);
    return row?.status ?? null;
  }

  async findBySlug(slug: string): Promise<Tenant | null> {
    const [tenant]: Tenant[] = await this.dataSource.query(`${SELECT} WHERE t.slug = $1`, [slug]);
    return tenant ?? null;
  }

  /** Locks the row until the transaction ends, so that two requests decide one after the other. */
  async findLocked(tx: EntityManager, id: string): Promise<Tenant | null> {
    await tx.query('SELECT FROM tenants WHERE id = $1 FOR UPDATE', [id]);
    return this.find(id, tx);
  }

  /** Newest first, up to `limit + 1` rows. */
  list(filter: TenantListFilter, after: { createdAt: Date; id: string } | null): Promise<Tenant[]> {
    const { status, isolation, databaseId, templateId, slug, search, tenantIds, limit } = filter;
    const pattern = search && `%${search.replace(/[\\%_]/g, '\\$&')}%`;
    return this.dataSource.query(
      `SELECT * FROM (${SELECT}
         WHERE ($1::text IS NULL OR t.isolation = $1) AND ($2::uuid IS NULL OR t.database_id = $2)
           AND ($3::uuid IS NULL OR t.template_id = $3) AND ($4::text IS NULL OR t.slug = $4)
           AND ($5::text IS NULL OR t.slug ILIKE $5 OR t.name ILIKE $5 OR t.schema_name ILIKE $5)
           AND ($6::timestamptz IS NULL OR (t.created_at, t.id) < ($6, $7::uuid))
           AND ($10::uuid[] IS NULL OR t.id = ANY ($10))) found
       WHERE $8::text IS NULL OR status = $8
       ORDER BY "createdAt" DESC, id DESC LIMIT $9`,
      [
        isolation ?? null,
        databaseId ?? null,
        templateId ?? null,
        slug ?? null,
        pattern ?? null,
        after?.createdAt ?? null,
        after?.id ?? null,
        status ?? null,
        limit + 1,
        tenantIds,
      ],
    );
  }

  async insert(tx: EntityManager, tenant: Tenant): Promise<void> {
    const isSchema = tenant.isolation === 'schema';
    await tx.query(INSERT, [
      tenant.id,
      tenant.slug,
      tenant.name,
      tenant.isolation,
      tenant.serverId,
      tenant.databaseId,
      tenant.schemaName,
      tenant.schemaOid,
      isSchema ? tenant.username : null,
      isSchema ? tenant.roleOid : null,
      isSchema ? tenant.scramVerifier : null,
      isSchema ? tenant.passwordCiphertext : null,
      tenant.maxConnections,
      tenant.statementTimeoutMs,
      tenant.lockTimeoutMs,
      tenant.idleInTransactionTimeoutMs,
      tenant.templateId,
      tenant.templateVersion,
      tenant.deletionProtection,
      tenant.metadata,
      tenant.clonedFrom,
      isSchema ? tenant.externalAccess : null,
      tenant.createdAt,
    ]);
  }

  async update(tx: Queryable, id: string, changes: TenantChanges): Promise<void> {
    const entries = Object.entries(changes) as [keyof TenantChanges, unknown][];
    if (entries.length === 0) return;
    const sets = entries.map(([field], index) => `${COLUMNS[field]} = $${index + 2}`);
    await tx.query(`UPDATE tenants SET ${sets.join(', ')} WHERE id = $1`, [
      id,
      ...entries.map(([, value]) => value),
    ]);
  }

  /** Takes a change back, unless the slug that it gave up is another's by now. */
  async restore(tx: Queryable, id: string, former: TenantChanges): Promise<void> {
    const taken: unknown[] = await tx.query('SELECT FROM tenants WHERE slug = $1 AND id <> $2', [
      former.slug ?? null,
      id,
    ]);
    if (taken.length === 0) await this.update(tx, id, former);
  }

  /** Records what a step found on the server, outside any transaction. */
  record(id: string, facts: TenantChanges): Promise<void> {
    return this.update(this.dataSource, id, facts);
  }

  /** The end of a creation, which is no change of what was asked for: `updated_at` stays. */
  async activate(tx: EntityManager, id: string): Promise<void> {
    await tx.query("UPDATE tenants SET status = 'active' WHERE id = $1 AND status = 'creating'", [id]);
  }

  /** Whether the row was in a status from which it may move there. */
  async move(tx: EntityManager, id: string, to: TenantStatus, at: Date): Promise<boolean> {
    const [, count]: [unknown[], number] = await tx.query(
      'UPDATE tenants SET status = $2, updated_at = $3 WHERE id = $1 AND status = ANY ($4)',
      [id, to, at, statesBefore(TENANT_TRANSITIONS, to)],
    );
    return count === 1;
  }

  async delete(tx: EntityManager, id: string): Promise<void> {
    await tx.query('DELETE FROM tenants WHERE id = $1', [id]);
  }
}
