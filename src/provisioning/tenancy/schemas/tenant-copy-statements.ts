import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.js';
import type { CopyConstraint, CopyPartition, CopyTable, CopyTrigger } from './tenant-copy-sql.js';

/** Copies foreign keys aside and triggers off, so that rows may come in any order and nothing reacts to them. */
export function loosen(
  schema: string,
  keys: readonly CopyConstraint[],
  triggers: readonly CopyTrigger[],
): string {
  return [
    'SET CONSTRAINTS ALL IMMEDIATE',
    ...keys.map(
      (key) => `ALTER TABLE ${qualified(schema, key.table)} DROP CONSTRAINT ${quoteIdentifier(key.name)}`,
    ),
    ...triggers.map((trigger) => switchTrigger(schema, trigger, 'DISABLE')),
  ].join(';\n');
}

/** The reverse of `loosen`: every key is checked against all rows. */
export function tighten(
  schema: string,
  keys: readonly CopyConstraint[],
  triggers: readonly CopyTrigger[],
): string {
  return [
    ...triggers.map((trigger) => switchTrigger(schema, trigger, ENABLE[trigger.enabled] ?? 'ENABLE')),
    ...keys.flatMap((key) => addKey(schema, key)),
  ].join(';\n');
}

const ENABLE: Readonly<Record<string, string>> = { O: 'ENABLE', A: 'ENABLE ALWAYS', R: 'ENABLE REPLICA' };

/** ONLY, since a partition's trigger has a state of its own. */
function switchTrigger(schema: string, { table, name }: CopyTrigger, how: string): string {
  return `ALTER TABLE ONLY ${qualified(schema, table)} ${how} TRIGGER ${quoteIdentifier(name)}`;
}

function addKey(schema: string, { table, name, definition, comment }: CopyConstraint): string[] {
  const constraint = quoteIdentifier(name);
  const place = qualified(schema, table);
  const add = `ALTER TABLE ${place} ADD CONSTRAINT ${constraint} ${definition}`;
  if (comment === null) return [add];
  return [add, `COMMENT ON CONSTRAINT ${constraint} ON ${place} IS ${quoteLiteral(comment)}`];
}

export function truncate(schema: string, tables: readonly CopyTable[]): string {
  return `TRUNCATE ${tables.map(({ name }) => qualified(schema, name)).join(', ')}`;
}

export function dropTable(schema: string, name: string): string {
  return `DROP TABLE IF EXISTS ${qualified(schema, name)}`;
}

/** One that has partitions itself. */
export function createBranch(schema: string, { parent, name, bound, key }: CopyPartition): string {
  const by = key === null ? '' : ` PARTITION BY ${key}`;
  return `CREATE TABLE ${qualified(schema, name)} PARTITION OF ${qualified(schema, parent)} ${bound}${by}`;
}

/** ONLY, since what inherits from an ordinary table is copied by itself. `replaced`: SQL in place of a column. */
export function copyOut(
  schema: string,
  { name, columns, isPartitioned }: CopyTable,
  replaced: ReadonlyMap<string, string> = new Map(),
): string {
  const only = isPartitioned ? '' : 'ONLY ';
  const values = columns.map((column) => replaced.get(column) ?? quoteIdentifier(column)).join(', ');
  return `COPY (SELECT ${values} FROM ${only}${qualified(schema, name)}) TO STDOUT`;
}

export function copyIn(schema: string, { name, columns }: CopyTable): string {
  const list = columns.length === 0 ? '' : `(${columns.map(quoteIdentifier).join(', ')}) `;
  return `COPY ${qualified(schema, name)} ${list}FROM STDIN`;
}

export function analyze(schema: string, names: readonly string[]): string {
  return `ANALYZE ${names.map((name) => qualified(schema, name)).join(', ')}`;
}

export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
