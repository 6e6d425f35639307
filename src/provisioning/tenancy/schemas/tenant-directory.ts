import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { notFound } from '../../../kernel/errors.js';
import type { TenantFilter, TenantHome } from './tenant-home.js';

const SELECT = `
  SELECT t.id, t.slug, t.isolation, t.status, t.server_id AS "serverId", t.database_id AS "databaseId",
         d.database_name AS "databaseName", t.schema_name AS "schemaName", t.schema_oid AS "schemaOid",
         coalesce(t.username, d.username) AS username,
         CASE t.isolation WHEN 'schema' THEN t.schema_name ELSE d.database_name END AS alias,
         t.template_id AS "templateId", t.template_version AS "templateVersion"
  FROM tenants t JOIN databases d ON d.id = t.database_id`;

const LIST = `${SELECT}
  WHERE ($1::uuid IS NULL OR t.template_id = $1)
    AND ($2::uuid IS NULL OR t.database_id = $2)
    AND ($3::uuid[] IS NULL OR t.id = ANY ($3))
    AND ($4::text[] IS NULL OR t.status = ANY ($4))
    AND ($5::integer IS NULL OR t.template_version < $5)
  ORDER BY t.created_at, t.id`;

const RECORD_VERSIONS = `
  UPDATE tenants t SET template_version = v.version, updated_at = now()
  FROM unnest($1::uuid[], $2::integer[]) AS v (id, version)
  WHERE t.id = v.id AND t.template_version < v.version`;

const COUNT = `
  SELECT (SELECT count(*) FROM tenants WHERE database_id = $1)::integer AS tenants,
         (SELECT count(*) FROM warm_schemas WHERE database_id = $1)::integer AS warm`;

/** Every tenant with its place, for work that goes over many of them. */
@Injectable()
export class TenantDirectory {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string): Promise<TenantHome | null> {
    const [home]: TenantHome[] = await this.dataSource.query(`${SELECT} WHERE t.id = $1`, [id]);
    return home ?? null;
  }

  /** Throws NOT_FOUND. */
  async get(id: string): Promise<TenantHome> {
    const home = await this.find(id);
    if (!home) throw notFound('tenant', id);
    return home;
  }

  /** Oldest first. */
  list(filter: TenantFilter): Promise<TenantHome[]> {
    const { templateId, databaseId, ids, statuses, belowVersion } = filter;
    return this.dataSource.query(LIST, [
      templateId ?? null,
      databaseId ?? null,
      ids ?? null,
      statuses ?? null,
      belowVersion ?? null,
    ]);
  }

  /** Notes the versions that tenants were brought to; a version never goes back. */
  async recordVersions(
    reached: readonly { readonly id: string; readonly version: number }[],
    manager: EntityManager = this.dataSource.manager,
  ): Promise<void> {
    if (reached.length === 0) return;
    await manager.query(RECORD_VERSIONS, [
      reached.map(({ id }) => id),
      reached.map(({ version }) => version),
    ]);
  }

  /** What stands in a database: tenants, and schemas in stock. */
  async count(databaseId: string): Promise<{ tenants: number; warm: number }> {
    const [counts]: { tenants: number; warm: number }[] = await this.dataSource.query(COUNT, [databaseId]);
    return counts ?? { tenants: 0, warm: 0 };
  }
}
