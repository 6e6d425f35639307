import type { EntityManager } from 'typeorm';

/** A host, or a tenant's own database that carries a template, on which nothing works. */
export interface ExpectedObjects {
  readonly databaseId: string;
  readonly databaseName: string;
  /** The role that owns the database. */
  readonly ownerRole: string;
  /** Of the tenant whose own database it is; null for a host. */
  readonly own: {
    readonly tenantId: string;
    readonly templateId: string;
    readonly version: number;
    readonly schemaOid: number | null;
  } | null;
  /** Of tenants that are settled in a host. */
  readonly schemas: readonly string[];
}

const SELECT_PLACES = `
  SELECT d.id AS "databaseId", d.database_name AS "databaseName", d.username AS "ownerRole",
         CASE WHEN o.id IS NULL THEN NULL ELSE json_build_object('tenantId', o.id, 'templateId', o.template_id,
           'version', o.template_version, 'schemaOid', o.schema_oid::bigint) END AS own,
         ARRAY(SELECT t.schema_name::text FROM tenants t
               WHERE t.database_id = d.id AND t.isolation = 'schema' AND t.status IN ('active', 'suspended')
               ORDER BY 1) AS schemas
  FROM databases d
  LEFT JOIN tenants o ON o.database_id = d.id AND o.isolation = 'database' AND o.template_id IS NOT NULL
  LEFT JOIN hosts h ON h.database_id = d.id AND h.status = 'ready'
  WHERE d.status = 'active' AND (h.id IS NOT NULL OR o.status IN ('active', 'suspended'))
    AND NOT EXISTS (SELECT FROM operations p
                    WHERE p.subject_id IN (d.id, o.id, h.id) AND p.state IN ('pending', 'running'))`;

export function readExpectedObjects(
  manager: Pick<EntityManager, 'query'>,
  serverId: string,
): Promise<ExpectedObjects[]> {
  return manager.query(`${SELECT_PLACES} AND d.server_id = $1 ORDER BY d.database_name`, [serverId]);
}

/** One of them, locked, so that no operation begins on the database; null when it is gone or something works on it. */
export async function lockExpectedObjects(
  tx: EntityManager,
  databaseId: string,
): Promise<ExpectedObjects | null> {
  await tx.query('SELECT FROM databases WHERE id = $1 FOR UPDATE', [databaseId]);
  const [found]: ExpectedObjects[] = await tx.query(`${SELECT_PLACES} AND d.id = $1`, [databaseId]);
  return found ?? null;
}
