import type { ClientBase } from 'pg';
import { sqlState } from '../../../infra/postgres/sqlstate.js';
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.js';
import type { PartitionedTable } from './partition-catalog.js';
import { type PartitionFailure, toFailure } from './partition-outcome.js';
import type { PartitionRule } from './partition-plan.js';
import { PATIENCE, qualified } from './partition-sql.js';

/** Rows of one period in a default partition. */
export interface StrayRows {
  /** Where the period begins, as a civil time; null where there is none: no time at all, or an infinite or distant one. */
  readonly start: number | null;
  readonly rows: number;
}

export type StrayAnswer = Map<PartitionedTable, readonly StrayRows[] | PartitionFailure>;

/** Tables looked at in one message. Most default partitions are empty, so that a message costs more than looking. */
const TABLES_A_MESSAGE = 25;

interface Row {
  readonly at: number;
  readonly start: string | null;
  readonly rows: number;
}

/** Counts what stands in default partitions, by period. A table that is locked keeps no other one waiting. */
export async function countStrayRows(
  client: ClientBase,
  rule: PartitionRule,
  tables: readonly PartitionedTable[],
): Promise<StrayAnswer> {
  const answer: StrayAnswer = new Map();
  const withDefault = tables.filter((table) => table.defaultPartition !== null);
  for (let at = 0; at < withDefault.length; at += TABLES_A_MESSAGE) {
    const chunk = withDefault.slice(at, at + TABLES_A_MESSAGE);
    for (const [table, found] of await countChunk(client, rule, chunk)) answer.set(table, found);
  }
  return answer;
}

async function countChunk(
  client: ClientBase,
  rule: PartitionRule,
  tables: readonly PartitionedTable[],
): Promise<StrayAnswer> {
  try {
    return await count(client, rule, tables);
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    const [only, ...others] = tables;
    if (only && others.length === 0) return new Map([[only, toFailure(error, null)]]);
  }
  const answers: StrayAnswer = new Map();
  for (const table of tables) {
    for (const [key, found] of await countChunk(client, rule, [table])) answers.set(key, found);
  }
  return answers;
}

async function count(
  client: ClientBase,
  rule: PartitionRule,
  tables: readonly PartitionedTable[],
): Promise<StrayAnswer> {
  const branches = tables.map((table, at) => countOne(rule, table, at)).join(' UNION ALL ');
  const zone = `SET LOCAL TimeZone = ${quoteLiteral(rule.timeZone)}; SET LOCAL DateStyle = 'ISO, YMD'`;
  const results = await client.query(`${PATIENCE}; ${zone}; ${branches}`);
  const rows = (results as unknown as { rows: Row[] }[]).at(-1)?.rows ?? [];
  return new Map(tables.map((table, at) => [table, rows.filter((row) => row.at === at).map(toStrayRows)]));
}

/**
 * The session's zone cuts a timestamptz; AT TIME ZONE would take names such as CET for an offset without summer time
 * (manual, 8.5.3).
 */
function countOne(rule: PartitionRule, table: PartitionedTable, at: number): string {
  const { schema, name } = table.defaultPartition ?? { schema: '', name: '' };
  const key = `d.${quoteIdentifier(table.keyColumn)}`;
  const time = table.keyType === 'timestamptz' ? key : `${key}::pg_catalog.timestamp`;
  const start = `pg_catalog.date_trunc('${rule.interval}', ${time})::pg_catalog.date::pg_catalog.text`;
  return `SELECT ${at} AS at, ${start} AS start, pg_catalog.count(*)::pg_catalog.float8 AS rows
    FROM ${qualified(schema, name)} AS d GROUP BY 2`;
}

function toStrayRows({ start, rows }: Row): StrayRows {
  const isPlain = start !== null && /^\d{4}-\d\d-\d\d$/.test(start);
  return { start: isPlain ? Date.parse(start) : null, rows };
}
