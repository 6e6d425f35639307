import { parseBounds } from '../../provisioning/tenancy/partitions/partition-bounds.js';
import {
  type CapacityFacts,
  catalogBytes,
  crashRestartSeconds,
  dropLocks,
  dumpLocks,
  dumpSeconds,
  filesOf,
  lockSlots,
  type PartitionedTableFacts,
  widestSchema,
} from './capacity-facts.js';

export const SEVERITIES = ['info', 'warn', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What advice is about, for programs. */
export const ADVICE = {
  TENANTS_NEAR_LIMIT: 'the tenants approach the number that the host may hold',
  MANY_SCHEMAS: 'more schemas than a database is a comfortable home for',
  CATALOGS_LARGE: 'the system catalogs are large',
  CATALOGS_BLOATED: 'autovacuum is far behind on the system catalogs',
  DUMP_LOCKS: 'a dump of the whole database takes more locks than the server has to give',
  DROP_LOCKS: 'dropping the widest tenant in one statement takes a good part of the locks',
  DUMP_SLOW: 'a dump of one tenant reads catalogs for seconds',
  CRASH_RESTART_SLOW: 'a restart after a crash opens every file',
  WRAPAROUND: 'transaction ids are not frozen in time',
  PARTITIONS_RUN_OUT: 'tables lack the partition of the next period',
  DEFAULT_PARTITION_ROWS: 'rows stand in default partitions',
} as const;

export type AdviceCode = keyof typeof ADVICE;

export interface Advice {
  readonly code: AdviceCode;
  readonly severity: Severity;
  readonly message: string;
}

export interface Situation {
  readonly facts: CapacityFacts;
  readonly tenants: number;
  /** Null for a database that is no host. */
  readonly maxTenants: number | null;
  readonly now: Date;
}

const MEGABYTE = 1024 * 1024;
const DAY_MS = 86_400_000;

const NEAR_LIMIT = 0.8;
const MANY_SCHEMAS = 500;
const TOO_MANY_SCHEMAS = 2_000;
const LARGE_CATALOGS = 500 * MEGABYTE;
const HUGE_CATALOGS = 1_500 * MEGABYTE;
const DEAD_ROWS = 100_000;
const LOCKS_WORTH_A_WARNING = 0.5;
const DROP_SHARE = 0.25;
const SLOW_DUMP_SECONDS = 1;
const SLOW_RESTART_SECONDS = 2;
const VERY_SLOW_RESTART_SECONDS = 15;
const OLD_XIDS = 500_000_000;
const VERY_OLD_XIDS = 1_500_000_000;
/** A table whose newest partition ended longer ago is no longer written to. */
const ARCHIVED_AFTER_MS = 90 * DAY_MS;

/** Everything that is worth a word, the worst first. */
export function adviceOn(situation: Situation): Advice[] {
  const advice = [
    onTenants(situation),
    onSchemas(situation),
    onCatalogs(situation),
    onDeadRows(situation),
    onDumpLocks(situation),
    onDropLocks(situation),
    onDumpTime(situation),
    onRestart(situation),
    onWraparound(situation),
    onPartitions(situation),
    onDefaultRows(situation),
  ];
  const given = advice.filter((one) => one !== null);
  return given.sort((one, other) => SEVERITIES.indexOf(other.severity) - SEVERITIES.indexOf(one.severity));
}

function onTenants({ tenants, maxTenants }: Situation): Advice | null {
  if (maxTenants === null || tenants < maxTenants * NEAR_LIMIT) return null;
  return {
    code: 'TENANTS_NEAR_LIMIT',
    severity: tenants >= maxTenants ? 'critical' : 'warn',
    message: `${tenants} of ${maxTenants} tenants are here. Make another host, or let a host group make it.`,
  };
}

function onSchemas({ facts: { schemas } }: Situation): Advice | null {
  if (schemas <= MANY_SCHEMAS) return null;
  return {
    code: 'MANY_SCHEMAS',
    severity: schemas > TOO_MANY_SCHEMAS ? 'critical' : 'warn',
    message: `${schemas} schemas: beyond ${MANY_SCHEMAS} of 50 tables, catalogs, dumps and crash recovery grow unpleasant. Place new tenants in another database.`,
  };
}

function onCatalogs({ facts }: Situation): Advice | null {
  const bytes = catalogBytes(facts);
  if (bytes <= LARGE_CATALOGS) return null;
  return {
    code: 'CATALOGS_LARGE',
    severity: bytes > HUGE_CATALOGS ? 'critical' : 'warn',
    message: `The system catalogs have ${megabytes(bytes)}. Place new tenants in another database; after many drops, VACUUM them.`,
  };
}

function onDeadRows({ facts: { catalogs } }: Situation): Advice | null {
  const behind = catalogs.filter(({ liveRows, deadRows }) => deadRows > DEAD_ROWS + liveRows / 2);
  if (behind.length === 0) return null;
  const names = behind.map(({ name, deadRows }) => `${name} (${deadRows} dead rows)`).join(', ');
  return {
    code: 'CATALOGS_BLOATED',
    severity: 'warn',
    message: `Autovacuum is far behind on ${names}. VACUUM them, and look for transactions that stay open for long.`,
  };
}

function onDumpLocks({ facts }: Situation): Advice | null {
  const slots = lockSlots(facts);
  const needed = dumpLocks(facts);
  if (needed <= slots * LOCKS_WORTH_A_WARNING) return null;
  return {
    code: 'DUMP_LOCKS',
    severity: needed > slots ? 'critical' : 'warn',
    message: `A dump of the whole database takes ${needed} locks; the server is sized for ${slots}, of all sessions together. Dump tenants one by one, or raise max_locks_per_transaction (a restart).`,
  };
}

function onDropLocks({ facts }: Situation): Advice | null {
  const widest = widestSchema(facts);
  const slots = lockSlots(facts);
  if (!widest || dropLocks(widest) <= slots * DROP_SHARE) return null;
  return {
    code: 'DROP_LOCKS',
    severity: dropLocks(widest) > slots ? 'critical' : 'warn',
    message: `DROP SCHEMA "${widest.schema}" CASCADE takes about ${dropLocks(widest)} of ${slots} locks. Delete the tenant through the API, which drops it in parts, or raise max_locks_per_transaction.`,
  };
}

function onDumpTime({ facts }: Situation): Advice | null {
  const seconds = dumpSeconds(facts);
  if (seconds <= SLOW_DUMP_SECONDS) return null;
  return {
    code: 'DUMP_SLOW',
    severity: 'info',
    message: `pg_dump of one tenant reads catalogs for about ${seconds} s before it reads rows, and more than ten times as long without PGOPTIONS="-c enable_mergejoin=off".`,
  };
}

function onRestart({ facts }: Situation): Advice | null {
  const seconds = crashRestartSeconds(facts);
  if (seconds <= SLOW_RESTART_SECONDS) return null;
  return {
    code: 'CRASH_RESTART_SLOW',
    severity: seconds > VERY_SLOW_RESTART_SECONDS ? 'critical' : 'warn',
    message: `After a crash the server opens ${filesOf(facts)} files of this database, about ${seconds} s. Set recovery_init_sync_method = syncfs.`,
  };
}

function onWraparound({ facts: { xidAge, multixactAge } }: Situation): Advice | null {
  const age = Math.max(xidAge, multixactAge);
  if (age <= OLD_XIDS) return null;
  return {
    code: 'WRAPAROUND',
    severity: age > VERY_OLD_XIDS ? 'critical' : 'warn',
    message: `The oldest transaction id is ${xidAge} old, the oldest multixact ${multixactAge}; at about 2 billion the server stops taking writes. See why autovacuum does not freeze.`,
  };
}

function onPartitions({ facts, now }: Situation): Advice | null {
  const ends = facts.partitionedTables.flatMap((table) => toEnding(table, now.getTime()));
  const [first] = ends.sort((one, other) => one.end - other.end);
  if (!first) return null;
  return {
    code: 'PARTITIONS_RUN_OUT',
    severity: first.end <= now.getTime() ? 'critical' : 'warn',
    message: `${ends.length} tables lack the partition of the next period; the first is "${first.schema}"."${first.table}", whose last one ends at ${new Date(first.end).toISOString()}. Make a partition policy, or run it.`,
  };
}

interface Ending extends PartitionedTableFacts {
  readonly end: number;
}

/** A table in use whose newest partition is the present one, or a past one. */
function toEnding(table: PartitionedTableFacts, now: number): Ending[] {
  const range = table.newest === null ? null : parseBounds(table.newest);
  if (!range || !Number.isFinite(range.from) || !Number.isFinite(range.to)) return [];
  const isArchived = range.to < now - ARCHIVED_AFTER_MS;
  const hasNext = range.from > now;
  return isArchived || hasNext ? [] : [{ ...table, end: range.to }];
}

function onDefaultRows({ facts }: Situation): Advice | null {
  const tables = facts.partitionedTables.filter(({ hasDefaultRows }) => hasDefaultRows);
  const [first] = tables;
  if (!first) return null;
  return {
    code: 'DEFAULT_PARTITION_ROWS',
    severity: 'warn',
    message: `${tables.length} tables have rows in their default partition, such as "${first.schema}"."${first.table}": partitions of those periods cannot be made. Run the partition policy with moveDefaultRows.`,
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}
