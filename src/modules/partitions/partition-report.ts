import type {
  PartitionFailure,
  PartitionOutcome,
} from '../../provisioning/tenancy/partitions/partition-outcome.js';
import type { DatabaseTargets } from '../../provisioning/tenancy/partitions/partition-targets.js';
import type {
  DatabasePartitionsDto,
  PartitionReportDto,
  PartitionSummaryDto,
  PartitionTotalsDto,
  TenantPartitionsDto,
} from './dto/partition-report.dto.js';

/** What happened in one database. */
export interface DatabaseOutcome {
  readonly database: DatabaseTargets;
  readonly outcomes: readonly PartitionOutcome[];
  /** Why nothing could be done in it at all. */
  readonly failure: PartitionFailure | null;
}

/** Names of partitions that a report holds; beyond, tenants are only counted. */
const MAX_NAMES = 10_000;
const SUMMARY_FAILURES = 20;

export function toReport(found: readonly DatabaseOutcome[], dryRun: boolean): PartitionReportDto {
  const budget = { names: MAX_NAMES };
  const databases = found.map((outcome) => toDatabase(outcome, budget));
  return { dry_run: dryRun, totals: totalsOf(found), truncated: budget.names < 0, databases };
}

/** What the policy itself keeps of a report. */
export function toSummary(
  { totals, databases }: PartitionReportDto,
  operationId: string,
): PartitionSummaryDto {
  const failures = databases.flatMap(({ database_name, failure, changes }) => [
    ...(failure ? [{ database_name, slug: null, schema_name: null, ...failure }] : []),
    ...changes.flatMap(({ slug, schema_name, failures: own }) =>
      own.map((one) => ({ database_name, slug, schema_name, ...one })),
    ),
  ]);
  return { operation_id: operationId, totals, failures: failures.slice(0, SUMMARY_FAILURES) };
}

function totalsOf(found: readonly DatabaseOutcome[]): PartitionTotalsDto {
  const outcomes = found.flatMap((database) => database.outcomes);
  const strayRows = outcomes.flatMap(({ defaultRows }) => defaultRows);
  const lost = found.filter(({ failure }) => failure !== null);
  return {
    databases: found.length,
    tenants: sum(found.map(({ database }) => database.targets.length)),
    created: sum(outcomes.map(({ created }) => created.length)),
    detached: sum(outcomes.map(({ detached }) => detached.length)),
    dropped: sum(outcomes.map(({ dropped }) => dropped.length)),
    default_rows: sum(strayRows.map(({ rows }) => rows)),
    moved_rows: sum(strayRows.map(({ rows, moved }) => (moved ? rows : 0))),
    failed:
      outcomes.filter(({ failures }) => failures.length > 0).length +
      sum(lost.map(({ database }) => database.targets.length)),
  };
}

function toDatabase(outcome: DatabaseOutcome, budget: { names: number }): DatabasePartitionsDto {
  const { database, outcomes, failure } = outcome;
  return {
    database_id: database.databaseId,
    database_name: database.databaseName,
    tenants: database.targets.length,
    failure: failure && toFailureDto(failure),
    changes: outcomes.filter(isWorthTelling).flatMap((tenant) => {
      budget.names -= sizeOf(tenant);
      return budget.names < 0 ? [] : [toTenant(tenant)];
    }),
  };
}

function toTenant({
  target,
  created,
  detached,
  dropped,
  defaultRows,
  failures,
}: PartitionOutcome): TenantPartitionsDto {
  return {
    tenant_id: target.tenantId,
    slug: target.slug,
    schema_name: target.schemaName,
    ...{ created, detached, dropped },
    default_rows: defaultRows,
    failures: failures.map(toFailureDto),
  };
}

function toFailureDto({ partition, sqlState, message }: PartitionFailure) {
  return { partition, sql_state: sqlState, message };
}

function isWorthTelling(outcome: PartitionOutcome): boolean {
  return sizeOf(outcome) > 0;
}

function sizeOf({ created, detached, dropped, defaultRows, failures }: PartitionOutcome): number {
  return created.length + detached.length + dropped.length + defaultRows.length + failures.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
