import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import {
  type Migration,
  type MigrationTenant,
  type MigrationTotals,
  NO_TENANTS,
  type PendingTenant,
  type TenantResult,
} from './migration.js';
import type { TenantResultState } from './migration-state.js';

/** The tenants of a migration that have an older version. Parameters: template, version, statuses, database, tenants. */
const OUTDATED = `
  t.template_id = $1 AND t.template_version < $2 AND t.status = ANY ($3)
  AND ($4::uuid IS NULL OR t.database_id = $4) AND ($5::uuid[] IS NULL OR t.id = ANY ($5))`;

/** Ring 0 is the canary; ring n begins behind the n-1 percentages that are passed. */
const PLAN = `
  INSERT INTO migration_tenants (migration_id, tenant_id, ring, position, from_version, state)
  SELECT $6::uuid, t.id,
    CASE WHEN t.rank <= $7::integer THEN 0
         ELSE 1 + (SELECT count(*) FROM unnest($8::integer[]) AS p WHERE t.rank > ceil(t.total * p / 100.0)) END,
    t.rank, t.template_version, 'pending'
  FROM (
    SELECT t.id, t.template_version, row_number() OVER (ORDER BY t.created_at, t.id) AS rank, count(*) OVER () AS total
    FROM tenants t WHERE ${OUTDATED}
  ) t`;

/** Those that were made, or became part of it, after the plan: they go last. */
const ADD_LATECOMERS = `
  INSERT INTO migration_tenants (migration_id, tenant_id, ring, position, from_version, state)
  SELECT $6::uuid, t.id, last.ring, last.position + row_number() OVER (ORDER BY t.created_at, t.id), t.template_version, 'pending'
  FROM tenants t,
    (SELECT coalesce(max(ring), 1) AS ring, coalesce(max(position), 0) AS position
     FROM migration_tenants WHERE migration_id = $6::uuid) last
  WHERE ${OUTDATED} AND NOT EXISTS (
    SELECT FROM migration_tenants m WHERE m.migration_id = $6::uuid AND m.tenant_id = t.id)`;

const OUTDATED_BY_VERSION = `
  SELECT t.template_version AS version, count(*)::integer AS tenants FROM tenants t WHERE ${OUTDATED}
  GROUP BY t.template_version ORDER BY t.template_version`;

const COUNT_OUTDATED = `SELECT count(*)::integer AS count FROM tenants t WHERE ${OUTDATED}`;

const COUNT_OTHERS = `
  SELECT count(*)::integer AS count FROM unnest($2::uuid[]) AS i (id)
  WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = i.id AND t.template_id = $1)`;

const NEXT = `
  SELECT tenant_id AS "tenantId", ring FROM migration_tenants
  WHERE migration_id = $1 AND state = 'pending'
    AND ring = (SELECT min(ring) FROM migration_tenants WHERE migration_id = $1 AND state = 'pending')
  ORDER BY position LIMIT $2`;

const RECORD = `
  UPDATE migration_tenants m
  SET state = r.state, attempts = r.attempts, duration_ms = r."durationMs", error = r.error,
    finished_at = clock_timestamp()
  FROM jsonb_to_recordset($2::jsonb)
    AS r ("tenantId" uuid, state text, attempts integer, "durationMs" integer, error jsonb)
  WHERE m.migration_id = $1 AND m.tenant_id = r."tenantId" AND m.state = 'pending'`;

const COUNT_FAILED_SINCE = `
  SELECT count(*)::integer AS count FROM migration_tenants
  WHERE migration_id = $1 AND state = 'failed' AND finished_at >= $2`;

const RESET_FAILED = `
  UPDATE migration_tenants SET state = 'pending', attempts = 0, duration_ms = NULL, error = NULL, finished_at = NULL
  WHERE migration_id = $1 AND state = 'failed'`;

const TOTALS = `
  SELECT migration_id AS id,
    (count(*) FILTER (WHERE state = 'pending'))::integer AS pending,
    (count(*) FILTER (WHERE state = 'succeeded'))::integer AS succeeded,
    (count(*) FILTER (WHERE state = 'failed'))::integer AS failed,
    (count(*) FILTER (WHERE state = 'skipped'))::integer AS skipped,
    (min(ring) FILTER (WHERE state = 'pending'))::integer AS ring,
    (count(*) FILTER (WHERE finished_at > now() - interval '10 seconds'))::integer AS recent
  FROM migration_tenants WHERE migration_id = ANY ($1) GROUP BY migration_id`;

const LIST = `
  SELECT m.tenant_id AS "tenantId", t.slug, t.schema_name AS "schemaName", d.database_name AS "databaseName", m.ring,
    m.position, m.from_version AS "fromVersion", m.state, m.attempts, m.duration_ms AS "durationMs", m.error,
    m.finished_at AS "finishedAt"
  FROM migration_tenants m JOIN tenants t ON t.id = m.tenant_id LEFT JOIN databases d ON d.id = t.database_id
  WHERE m.migration_id = $1 AND ($2::text IS NULL OR m.state = $2) AND m.position > $3
  ORDER BY m.position LIMIT $4`;

type Queryable = Pick<EntityManager, 'query'>;
type Updated = readonly [unknown[], number];
type Plan = Pick<Migration, 'id' | 'templateId' | 'version' | 'filter' | 'strategy'>;

/** Only SQL: the results of migrations, tenant by tenant. */
@Injectable()
export class MigrationTenantsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Puts every tenant with an older version into its ring, the oldest first. Returns how many. */
  plan(tx: Queryable, plan: Plan): Promise<number> {
    const { canary, rings } = plan.strategy;
    return insert(tx, PLAN, [...outdated(plan), plan.id, canary, rings]);
  }

  /** Adds the tenants with an older version that are not part of it yet, those still being made too. Returns how many. */
  addLatecomers(plan: Plan): Promise<number> {
    const statuses = [...plan.filter.statuses, 'creating'];
    return insert(this.dataSource, ADD_LATECOMERS, [...outdated(plan, statuses), plan.id]);
  }

  /** How many tenants are just being made with an older version. */
  async countComing(plan: Omit<Plan, 'id'>, tx: Queryable = this.dataSource): Promise<number> {
    const [row]: { count: number }[] = await tx.query(COUNT_OUTDATED, outdated(plan, ['creating']));
    return row?.count ?? 0;
  }

  /** The older versions that tenants have, and how many have each. */
  outdatedVersions(plan: Omit<Plan, 'id'>): Promise<{ version: number; tenants: number }[]> {
    return this.dataSource.query(OUTDATED_BY_VERSION, outdated(plan));
  }

  /** How many of the ids are no tenants of the template. */
  async countOthers(templateId: string, tenantIds: readonly string[]): Promise<number> {
    const [row]: { count: number }[] = await this.dataSource.query(COUNT_OTHERS, [templateId, tenantIds]);
    return row?.count ?? 0;
  }

  /** Those of the first ring that is not through, in their order. */
  next(id: string, limit: number): Promise<PendingTenant[]> {
    return this.dataSource.query(NEXT, [id, limit]);
  }

  async record(tx: Queryable, id: string, results: readonly TenantResult[]): Promise<void> {
    await tx.query(RECORD, [id, JSON.stringify(results)]);
  }

  async countFailedSince(id: string, since: Date): Promise<number> {
    const [row]: { count: number }[] = await this.dataSource.query(COUNT_FAILED_SINCE, [id, since]);
    return row?.count ?? 0;
  }

  /** Returns how many are tried again. */
  async resetFailed(tx: Queryable, id: string): Promise<number> {
    const [, count]: Updated = await tx.query(RESET_FAILED, [id]);
    return count;
  }

  async totals(id: string, tx: Queryable = this.dataSource): Promise<MigrationTotals> {
    return (await this.totalsOf([id], tx)).get(id) ?? NO_TENANTS;
  }

  async totalsOf(
    ids: readonly string[],
    tx: Queryable = this.dataSource,
  ): Promise<Map<string, MigrationTotals>> {
    const rows: (MigrationTotals & { id: string })[] = await tx.query(TOTALS, [ids]);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** In the order of the migration, up to `limit + 1` rows. */
  list(
    id: string,
    { state, after, limit }: { state?: TenantResultState; after: number; limit: number },
  ): Promise<MigrationTenant[]> {
    return this.dataSource.query(LIST, [id, state ?? null, after, limit + 1]);
  }
}

function outdated(
  { templateId, version, filter }: Omit<Plan, 'id'>,
  statuses: readonly string[] = filter.statuses,
): unknown[] {
  return [templateId, version, statuses, filter.databaseId ?? null, filter.tenantIds ?? null];
}

/** Returns how many rows it made. */
async function insert(tx: Queryable, statement: string, values: unknown[]): Promise<number> {
  const counted = `WITH made AS (${statement} RETURNING 1) SELECT count(*)::integer AS count FROM made`;
  const [row]: { count: number }[] = await tx.query(counted, values);
  return row?.count ?? 0;
}
