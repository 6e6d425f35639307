import { parse } from 'libpg-query';
import type { ClientBase } from 'pg';
import { quoteIdentifier } from '../../kernel/identifiers.js';
import type { OnlineStatement } from './template-store.js';

interface IndexRow {
  /** An index that its builder did not finish is there, is kept up to date, and serves no query. */
  readonly isValid: boolean;
  /** Quoted, with its schema. */
  readonly table: string;
}

const FIND_INDEX = `
  SELECT i.indisvalid AND i.indisready AS "isValid", pg_catalog.format('%I.%I', n.nspname, t.relname) AS "table"
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2`;

/** What REINDEX CONCURRENTLY leaves behind when it is interrupted (PostgreSQL manual, REINDEX). */
const FIND_LEFTOVERS = `
  SELECT c.relname AS name
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'`;

const FIND_PARTITION = `
  SELECT i.inhdetachpending AS "isPending"
  FROM pg_catalog.pg_inherits i
  WHERE i.inhparent = pg_catalog.to_regclass($1) AND i.inhrelid = pg_catalog.to_regclass($2)`;

/** What is still to be done of a statement that may have run before, wholly or in part; null when nothing is. */
export async function remainderOf(
  client: ClientBase,
  schemaName: string,
  { sql, action, index }: OnlineStatement,
): Promise<string | null> {
  if (action === 'create_index' && index !== null)
    return (await isBuilt(client, schemaName, index)) ? null : sql;
  if (action === 'drop_index' && index !== null)
    return (await findIndex(client, schemaName, index)) ? sql : null;
  await dropLeftovers(client, schemaName);
  const detached = await findDetached(sql);
  return detached ? remainderOfDetach(client, schemaName, { sql, ...detached }) : sql;
}

/** Removes an index that was not finished. */
async function isBuilt(client: ClientBase, schemaName: string, index: string): Promise<boolean> {
  const seen = await findIndex(client, schemaName, index);
  if (!seen || seen.isValid) return seen !== null;
  // The server builds on after its client died: the builder holds this lock until the index is valid.
  await client.query(`BEGIN; LOCK TABLE ${seen.table} IN SHARE UPDATE EXCLUSIVE MODE; COMMIT`);
  const left = await findIndex(client, schemaName, index);
  if (!left || left.isValid) return left !== null;
  await dropIndex(client, schemaName, index);
  return false;
}

async function findIndex(client: ClientBase, schemaName: string, index: string): Promise<IndexRow | null> {
  const { rows } = await client.query<IndexRow>(FIND_INDEX, [schemaName, index]);
  return rows[0] ?? null;
}

async function dropLeftovers(client: ClientBase, schemaName: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(FIND_LEFTOVERS, [schemaName]);
  for (const { name } of rows) await dropIndex(client, schemaName, name);
}

async function dropIndex(client: ClientBase, schemaName: string, index: string): Promise<void> {
  await client.query(
    `DROP INDEX CONCURRENTLY IF EXISTS ${quoteIdentifier(schemaName)}.${quoteIdentifier(index)}`,
  );
}

interface Detached {
  readonly parent: string;
  readonly partition: string;
}

/** A detach that is pending can only be finalised (PostgreSQL manual, ALTER TABLE). */
async function remainderOfDetach(
  client: ClientBase,
  schemaName: string,
  { sql, parent, partition }: Detached & { sql: string },
): Promise<string | null> {
  const [parentName, partitionName] = [parent, partition].map(
    (name) => `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`,
  );
  const { rows } = await client.query<{ isPending: boolean }>(FIND_PARTITION, [parentName, partitionName]);
  const [link] = rows;
  if (!link) return null;
  return link.isPending ? `ALTER TABLE ${parentName} DETACH PARTITION ${partitionName} FINALIZE` : sql;
}

interface AlterTable {
  readonly relation?: { relname?: string };
  readonly cmds?: readonly {
    AlterTableCmd?: { subtype?: string; def?: { PartitionCmd?: { name?: { relname?: string } } } };
  }[];
}

async function findDetached(sql: string): Promise<Detached | null> {
  const tree = (await parse(sql)) as { stmts?: { stmt?: { AlterTableStmt?: AlterTable } }[] };
  const alter = tree.stmts?.[0]?.stmt?.AlterTableStmt;
  const command = alter?.cmds?.[0]?.AlterTableCmd;
  const partition = command?.def?.PartitionCmd?.name?.relname;
  const parent = alter?.relation?.relname;
  if (command?.subtype !== 'AT_DetachPartition' || !partition || !parent) return null;
  return { parent, partition };
}
