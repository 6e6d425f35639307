import type { ClientBase } from 'pg';
import { SQLSTATE } from '../../../infra/postgres/sqlstate.js';
import { quoteIdentifier } from '../../../kernel/identifiers.js';
import { renderBound } from './partition-bounds.js';
import type { PartitionedTable } from './partition-catalog.js';
import { PartitionProblem } from './partition-outcome.js';
import type { PlannedPartition } from './partition-plan.js';
import {
  attachPartition,
  createTable,
  LOCK_TIMEOUT,
  nameOf,
  type QualifiedName,
  qualified,
} from './partition-sql.js';

const STATEMENT_TIMEOUT = '600s';

interface MoveFacts {
  /** All but the generated ones. */
  readonly columns: readonly string[];
  /** Those that fire for each row that leaves the default partition. */
  readonly triggers: readonly DeleteTrigger[] | null;
  /** Tables whose foreign keys point at its rows. */
  readonly references: readonly string[] | null;
}

interface DeleteTrigger {
  readonly name: string;
  /** `pg_trigger.tgenabled`: O, A or R. */
  readonly enabled: string;
}

/** 8 in tgtype is DELETE. */
const FACTS = `
  SELECT (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', t.tgname, 'enabled', t.tgenabled))
          FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = $2 AND c.relname = $3 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
            AND t.tgtype & 8 <> 0) AS triggers,
         (SELECT pg_catalog.json_agg(DISTINCT k.conrelid::pg_catalog.regclass::pg_catalog.text)
          FROM pg_catalog.pg_constraint k WHERE k.confrelid = $1::oid AND k.contype = 'f') AS "references"`;

/**
 * Makes a partition out of the rows that the default partition has of its period, in one transaction. Throws
 * PartitionProblem when foreign keys point at the table: what they do on a deletion would be done to a row that only moves.
 */
export async function movePartition(
  client: ClientBase,
  table: PartitionedTable,
  planned: PlannedPartition,
): Promise<void> {
  const { defaultPartition, oid } = table;
  if (!defaultPartition) throw new Error(`the table ${nameOf(table)} has no default partition`);
  const { rows } = await client.query<MoveFacts>(FACTS, [
    oid,
    defaultPartition.schema,
    defaultPartition.name,
  ]);
  const [facts] = rows;
  if (!facts) throw new Error('a query without FROM gave no row');
  if (facts.references) {
    throw new PartitionProblem(
      SQLSTATE.dependentObjectsStillExist,
      `Foreign keys of ${facts.references.join(', ')} point at ${nameOf(table)}; rows of its default partition can only be moved by hand.`,
    );
  }
  await client.query(renderMove(table, planned, { ...facts, defaultPartition }));
}

/**
 * Readers see the rows in one place or the other; writers of the default partition wait. A move is no deletion, so
 * triggers for deletions are silent meanwhile.
 */
function renderMove(
  table: PartitionedTable,
  planned: PlannedPartition,
  { defaultPartition, columns, triggers }: MoveFacts & { defaultPartition: QualifiedName },
): string {
  const source = qualified(defaultPartition.schema, defaultPartition.name);
  const silenced = triggers ?? [];
  return [
    `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`,
    `SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`,
    `LOCK TABLE ONLY ${nameOf(table)} IN SHARE UPDATE EXCLUSIVE MODE`,
    `LOCK TABLE ${source} IN SHARE ROW EXCLUSIVE MODE`,
    createTable(nameOf(table), planned.name),
    ...silenced.map(({ name }) => `ALTER TABLE ${source} DISABLE TRIGGER ${quoteIdentifier(name)}`),
    moveRows(table, planned, { source, columns }),
    ...silenced.map((trigger) => `ALTER TABLE ${source} ${enable(trigger)}`),
    attachPartition(table, planned),
  ].join('; ');
}

function moveRows(
  { schema, keyColumn, keyType }: PartitionedTable,
  { name, range }: PlannedPartition,
  { source, columns }: { source: string; columns: readonly string[] },
): string {
  const key = quoteIdentifier(keyColumn);
  const list = columns.map(quoteIdentifier).join(', ');
  return `WITH moved AS (
      DELETE FROM ${source} WHERE ${key} >= ${renderBound(range.from, keyType)} AND ${key} < ${renderBound(range.to, keyType)}
      RETURNING ${list}
    ) INSERT INTO ${qualified(schema, name)} (${list}) SELECT ${list} FROM moved`;
}

const ENABLE: Readonly<Record<string, string>> = {
  O: 'ENABLE TRIGGER',
  A: 'ENABLE ALWAYS TRIGGER',
  R: 'ENABLE REPLICA TRIGGER',
};

function enable({ name, enabled }: DeleteTrigger): string {
  return `${ENABLE[enabled] ?? 'ENABLE TRIGGER'} ${quoteIdentifier(name)}`;
}
