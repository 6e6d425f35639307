import type { ClientBase } from 'pg';
import { makePartition } from '../partitions/partition-sql.js';
import type { CopyPlace } from './tenant-copy-source.js';
import { type CopyPartition, PARTITIONS } from './tenant-copy-sql.js';
import { createBranch, dropTable, qualified } from './tenant-copy-statements.js';

/** Gives the target's tables the partitions of the source's: policies have made some, and taken some of the template's out. */
export async function alignPartitions(
  reader: ClientBase,
  writer: ClientBase,
  { source, target }: { source: CopyPlace; target: CopyPlace },
): Promise<void> {
  const wanted = await listPartitions(reader, source);
  const present = await listPartitions(writer, target);
  const [keep, has] = [new Set(wanted.map(keyOf)), new Set(present.map(keyOf))];
  const { schemaName } = target;
  const statements = [
    ...present
      .filter((partition) => !keep.has(keyOf(partition)))
      .map(({ name }) => dropTable(schemaName, name)),
    ...wanted
      .filter((partition) => !has.has(keyOf(partition)))
      .map((partition) => create(schemaName, partition)),
  ];
  if (statements.length > 0) await writer.query(statements.join(';\n'));
}

function create(schema: string, partition: CopyPartition): string {
  const { parent, name, bound, key } = partition;
  if (key !== null) return createBranch(schema, partition);
  return makePartition(qualified(schema, parent), { schema, name }, bound);
}

function keyOf({ parent, name, bound }: CopyPartition): string {
  return JSON.stringify([parent, name, bound]);
}

async function listPartitions(client: ClientBase, { schemaName }: CopyPlace): Promise<CopyPartition[]> {
  return (await client.query<CopyPartition>(PARTITIONS, [schemaName])).rows;
}
