import type { MigrationDto, StrategyDto } from './dto/migration.dto.js';
import type { MigrationTenantDto } from './dto/migration-tenant.dto.js';
import type { Migration, MigrationStrategy, MigrationTenant, MigrationTotals } from './migration.js';

/** What `MigrationTotals.recent` covers. */
const RECENT_SECONDS = 10;

export function toMigrationDto(migration: Migration, totals: MigrationTotals, now: Date): MigrationDto {
  const { pending, succeeded, failed, skipped, ring } = totals;
  const { filter } = migration;
  return {
    id: migration.id,
    template_id: migration.templateId,
    version: migration.version,
    dry_run: migration.dryRun,
    state: migration.state,
    requested: migration.requested,
    totals: { tenants: pending + succeeded + failed + skipped, pending, succeeded, failed, skipped },
    ring,
    rate: rateOf(migration, totals, now),
    strategy: toStrategyDto(migration.strategy),
    filter: {
      tenant_ids: filter.tenantIds ?? null,
      database_id: filter.databaseId ?? null,
      statuses: filter.statuses,
    },
    error: migration.error,
    report: migration.report,
    created_by: migration.createdBy,
    created_at: migration.createdAt.toISOString(),
    started_at: migration.startedAt?.toISOString() ?? null,
    finished_at: migration.finishedAt?.toISOString() ?? null,
  };
}

export function toMigrationTenantDto(tenant: MigrationTenant): MigrationTenantDto {
  return {
    tenant_id: tenant.tenantId,
    slug: tenant.slug,
    schema_name: tenant.schemaName,
    database_name: tenant.databaseName,
    ring: tenant.ring,
    position: tenant.position,
    from_version: tenant.fromVersion,
    state: tenant.state,
    attempts: tenant.attempts,
    duration_ms: tenant.durationMs,
    error: tenant.error,
    finished_at: tenant.finishedAt?.toISOString() ?? null,
  };
}

function rateOf({ state, startedAt }: Migration, { recent }: MigrationTotals, now: Date): number | null {
  if (state !== 'running' || !startedAt) return null;
  const seconds = Math.min(RECENT_SECONDS, (now.getTime() - startedAt.getTime()) / 1000);
  return seconds > 0 ? Math.round((10 * recent) / seconds) / 10 : 0;
}

function toStrategyDto(strategy: MigrationStrategy): StrategyDto {
  return {
    canary: strategy.canary,
    rings: strategy.rings,
    connections: strategy.connections,
    lock_timeout_ms: strategy.lockTimeoutMs,
    statement_timeout_ms: strategy.statementTimeoutMs,
    max_attempts: strategy.maxAttempts,
    max_failures: strategy.maxFailures,
    pause_after_canary: strategy.pauseAfterCanary,
  };
}
