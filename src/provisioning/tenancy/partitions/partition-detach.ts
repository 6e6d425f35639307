import type { ClientBase } from 'pg';
import type { AttachedPartition, PartitionedTable } from './partition-catalog.js';
import {
  detach,
  detachConcurrently,
  dropPartition,
  finalizeDetach,
  LOCK_TIMEOUT,
  markDetached,
  markDoomed,
  PATIENCE,
} from './partition-sql.js';

const STATE = `
  SELECT i.inhdetachpending AS "isPending",
         pg_catalog.obj_description(c.oid, 'pg_class') IS NOT NULL AS "hasComment"
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE i.inhparent = $1::oid AND n.nspname = $2 AND c.relname = $3`;

/** Takes a partition out of its table and keeps it beside; one that is detached already stays so. */
export async function detachPartition(
  client: ClientBase,
  table: PartitionedTable,
  partition: AttachedPartition,
): Promise<void> {
  const { rows } = await client.query<{ isPending: boolean; hasComment: boolean }>(STATE, [
    table.oid,
    partition.schema,
    partition.name,
  ]);
  const [state] = rows;
  if (!state) return;
  if (state.isPending) return alone(client, finalizeDetach(table, partition));
  const mark = state.hasComment ? '' : markDetached(partition);
  if (table.defaultPartition) {
    await client.query(`${PATIENCE}; ${mark}; ${detach(table, partition)}`);
    return;
  }
  if (mark !== '') await client.query(`${PATIENCE}; ${mark}`);
  await alone(client, detachConcurrently(table, partition));
}

/** Takes it out and drops it. */
export async function retirePartition(
  client: ClientBase,
  table: PartitionedTable,
  partition: AttachedPartition,
): Promise<void> {
  const drop = dropPartition(partition);
  if (table.defaultPartition && !partition.isDetachPending) {
    await client.query(`${PATIENCE}; ${detach(table, partition)}; ${drop}`);
    return;
  }
  await client.query(`${PATIENCE}; ${markDoomed(table, partition, partition.range)}`);
  await detachPartition(client, table, partition);
  await client.query(`${PATIENCE}; ${drop}`);
}

/**
 * For what runs in no transaction. Where it waits for others' transactions longer than lock_timeout, its first part has
 * happened and the next run finishes it (manual, ALTER TABLE, DETACH PARTITION).
 */
async function alone(client: ClientBase, sql: string): Promise<void> {
  await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
  try {
    await client.query(sql);
  } finally {
    await client.query('RESET lock_timeout');
  }
}
