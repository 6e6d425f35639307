import type { ClientBase } from 'pg';
import type { SqlParser } from '../../../infra/sql-parser/sql-parser.js';
import { quoteIdentifier } from '../../../kernel/identifiers.js';
import type { OnlineStatement } from '../templates/template-store.js';

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

export interface StartedStatement extends OnlineStatement {
  readonly schemaName: string;
  readonly parser: SqlParser;
}

/** What is still to be done of a statement that may have run before, wholly or in part; null when nothing is. */
export async function remainderOf(client: ClientBase, statement: StartedStatement): Promise<string | null> {
  const { schemaName, sql, action, index, parser } = statement;
  if (action === 'create_index' && index !== null)
    return (await isBuilt(client, schemaName, index)) ? null : sql;
  if (action === 'drop_index' && index !== null)
    return (await findIndex(client, schemaName, index)) ? sql : null;
  await dropLeftovers(client, schemaName);
  const detach = await findDetach(parser, sql);
  return detach ? remainderOfDetach(client, schemaName, { sql, ...detach }) : sql;
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
  await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${qualified(schemaName, index)}`);
}

interface Detach {
  readonly parent: string;
  readonly partition: string;
}

/** A detach that is pending can only be finalised (PostgreSQL manual, ALTER TABLE). */
async function remainderOfDetach(
  client: ClientBase,
  schemaName: string,
  { sql, parent, partition }: Detach & { sql: string },
): Promise<string | null> {
  const parentName = qualified(schemaName, parent);
  const partitionName = qualified(schemaName, partition);
  const { rows } = await client.query<{ isPending: boolean }>(FIND_PARTITION, [parentName, partitionName]);
  const [link] = rows;
  if (!link) return null;
  return link.isPending ? `ALTER TABLE ${parentName} DETACH PARTITION ${partitionName} FINALIZE` : sql;
}

async function findDetach(parser: SqlParser, sql: string): Promise<Detach | null> {
  const [statement] = (await parser.parse(sql)).statements;
  if (!statement || !('AlterTableStmt' in statement.node)) return null;
  const { relation, cmds } = statement.node.AlterTableStmt;
  const [command] = cmds ?? [];
  if (!command || !('AlterTableCmd' in command) || !relation?.relname) return null;
  const { subtype, def } = command.AlterTableCmd;
  if (subtype !== 'AT_DetachPartition' || !def || !('PartitionCmd' in def)) return null;
  const partition = def.PartitionCmd.name?.relname;
  return partition ? { parent: relation.relname, partition } : null;
}

function qualified(schemaName: string, name: string): string {
  return `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`;
}
