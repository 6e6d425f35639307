import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.js';
import { DETACHED_MARK } from '../templates/detached-partition-sql.js';
import { type BoundRange, formatBound, type KeyType, renderBounds } from './partition-bounds.js';
import type { PlannedPartition } from './partition-plan.js';

/** A partitioned table and the column that it is partitioned by. */
export interface ParentTable {
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string;
  readonly keyType: KeyType;
}

/**
 * Where a waiting ALTER TABLE stands, all who come after it queue, also at the tables that foreign keys point at, whose
 * writers it excludes: it must not stand there for long.
 */
export const LOCK_TIMEOUT = '1s';
const STATEMENT_TIMEOUT = '20s';

/** For the beginning of a message, which is one transaction. */
export const PATIENCE = `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'; SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`;

/**
 * Attaching takes SHARE UPDATE EXCLUSIVE on the parent where CREATE TABLE … PARTITION OF takes ACCESS EXCLUSIVE (manual,
 * ALTER TABLE), so it is read and written meanwhile. Indexes, triggers and foreign keys come with the attaching. The new
 * table is empty, so a CHECK constraint of its bounds would save no scan.
 */
export function createPartition(parent: ParentTable, { name, range }: PlannedPartition): string {
  return makePartition(nameOf(parent), { schema: parent.schema, name }, renderBounds(range, parent.keyType));
}

/** `parent` as in SQL; `bounds`: `FOR VALUES FROM (…) TO (…)` or `DEFAULT`. */
export function makePartition(parent: string, partition: QualifiedName, bounds: string): string {
  return `${createTable(parent, partition.name)}; ${attach(parent, partition, bounds)}`;
}

/** Empty, to be attached. */
export function createTable(parent: string, name: string): string {
  return `SELECT shared.create_partition_table(${quoteLiteral(parent)}, ${quoteLiteral(name)})`;
}

export function attachPartition(parent: ParentTable, { name, range }: PlannedPartition): string {
  return attach(nameOf(parent), { schema: parent.schema, name }, renderBounds(range, parent.keyType));
}

function attach(parent: string, { schema, name }: QualifiedName, bounds: string): string {
  const partition = qualified(schema, name);
  return `ALTER TABLE ${parent} ATTACH PARTITION ${partition} ${bounds};
    SELECT shared.finish_partition(${quoteLiteral(parent)}, ${quoteLiteral(partition)})`;
}

/** Reads and writes of the parent go on. Not in a transaction, and not where there is a default partition. */
export function detachConcurrently(parent: ParentTable, partition: QualifiedName): string {
  return `${detach(parent, partition)} CONCURRENTLY`;
}

/** Finishes a DETACH … CONCURRENTLY that was interrupted. */
export function finalizeDetach(parent: ParentTable, partition: QualifiedName): string {
  return `${detach(parent, partition)} FINALIZE`;
}

/** Locks the parent, for a moment. */
export function detach(parent: ParentTable, { schema, name }: QualifiedName): string {
  return `ALTER TABLE ${nameOf(parent)} DETACH PARTITION ${qualified(schema, name)}`;
}

export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** Never with CASCADE: what depends on it, such as a view, is somebody's. */
export function dropPartition({ schema, name }: QualifiedName): string {
  return `DROP TABLE IF EXISTS ${qualified(schema, name)}`;
}

const DOOMED = /^Partition of (.+) to (\d{4}-\d\d-\d\d.*), to be dropped by its policy$/;

/** Between detaching and dropping, which cannot be one transaction, this tells that the table is no keepsake. */
export function markDoomed(parent: ParentTable, { schema, name }: QualifiedName, range: BoundRange): string {
  const to = formatBound(range.to, parent.keyType);
  const mark = `Partition of ${parent.table} to ${to}, to be dropped by its policy`;
  return `COMMENT ON TABLE ${qualified(schema, name)} IS ${quoteLiteral(mark)}`;
}

/** Tells the table from those that nobody knows, whatever its name is. */
export function markDetached({ schema, name }: QualifiedName): string {
  return `COMMENT ON TABLE ${qualified(schema, name)} IS ${quoteLiteral(DETACHED_MARK)}`;
}

/** The upper bound of a table that was marked for this parent; null for any other comment. */
export function readDoomed(table: string, comment: string): number | null {
  const [, parent, to = ''] = DOOMED.exec(comment) ?? [];
  if (parent !== table) return null;
  const time = Date.parse(`${to.replace(' ', 'T').replace(/\+00$/, '')}${to.length > 10 ? 'Z' : ''}`);
  return Number.isNaN(time) ? null : time;
}

export function nameOf({ schema, table }: ParentTable): string {
  return qualified(schema, table);
}

export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
