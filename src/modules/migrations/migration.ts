import type { VersionProblem } from '../../provisioning/tenancy/versions/version-failure.js';
import type { MigrationState, TenantResultState } from './migration-state.js';

/** How a migration goes over its tenants. Times in milliseconds; 0 is none. */
export interface MigrationStrategy {
  /** How many tenants go first, alone. */
  readonly canary: number;
  /** Where the rings after the canary end, as ascending percentages of all tenants. */
  readonly rings: readonly number[];
  /** Sessions in hosting databases, all together. */
  readonly connections: number;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** For each tenant, until it counts as failed. */
  readonly maxAttempts: number;
  /** More failures than this pause the migration. */
  readonly maxFailures: number;
  readonly pauseAfterCanary: boolean;
}

export type MigratedStatus = 'active' | 'suspended';
export const MIGRATED_STATUSES: readonly MigratedStatus[] = ['active', 'suspended'];

/** Which tenants of the template it is for. */
export interface MigrationFilter {
  readonly tenantIds?: readonly string[];
  readonly databaseId?: string;
  readonly statuses: readonly MigratedStatus[];
}

/** Why it rests; `code` for programs. */
export interface MigrationError {
  readonly code: string;
  readonly message: string;
}

/** What a dry run found for the tenants of one version. */
export interface DryRunResult {
  readonly from_version: number;
  readonly tenants: number;
  readonly state: 'succeeded' | 'failed';
  readonly duration_ms: number;
  readonly error: VersionProblem | null;
}

/** A row of `migrations`. */
export interface Migration {
  readonly id: string;
  readonly templateId: string;
  readonly version: number;
  readonly dryRun: boolean;
  readonly state: MigrationState;
  readonly requested: 'pause' | 'cancel' | null;
  readonly strategy: MigrationStrategy;
  readonly filter: MigrationFilter;
  readonly error: MigrationError | null;
  readonly report: readonly DryRunResult[] | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface MigrationTotals {
  readonly pending: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  /** The first ring that is not through; null when all are. */
  readonly ring: number | null;
  /** How many ended in the last ten seconds. */
  readonly recent: number;
}

export const NO_TENANTS: MigrationTotals = {
  pending: 0,
  succeeded: 0,
  failed: 0,
  skipped: 0,
  ring: null,
  recent: 0,
};

/** A tenant that waits for its turn. */
export interface PendingTenant {
  readonly tenantId: string;
  readonly ring: number;
}

/** What became of one tenant. */
export interface TenantResult {
  readonly tenantId: string;
  readonly state: Exclude<TenantResultState, 'pending'>;
  /** The version that it has now. */
  readonly version: number;
  readonly attempts: number;
  readonly durationMs: number;
  readonly error: VersionProblem | null;
}

/** A row of `migration_tenants` with the tenant's names. */
export interface MigrationTenant {
  readonly tenantId: string;
  readonly slug: string;
  readonly schemaName: string;
  readonly databaseName: string | null;
  readonly ring: number;
  readonly position: number;
  readonly fromVersion: number;
  readonly state: TenantResultState;
  readonly attempts: number;
  readonly durationMs: number | null;
  readonly error: VersionProblem | null;
  readonly finishedAt: Date | null;
}
