import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { Client, ClientBase } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { RowhouseError } from '../../../kernel/errors.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { type CopyPlace, openSource, readVersion, UNHURRIED } from './tenant-copy-source.js';
import {
  type CopyConstraint,
  type CopyPartition,
  type CopySequence,
  type CopyTable,
  copyIn,
  copyOut,
  createPartition,
  FOREIGN_KEYS,
  loosen,
  PARTITIONS,
  qualified,
  SEQUENCES,
  TABLES,
  tighten,
  truncate,
} from './tenant-copy-sql.js';

export interface TenantCopyJob {
  readonly server: ManagedServer;
  readonly source: CopyPlace;
  /** Has the tables of the template's version, with rows that do not matter. */
  readonly target: CopyPlace & { readonly templateId: string | null; readonly templateVersion: number };
  readonly signal: AbortSignal;
}

const COPIES_AT_ONCE = 4;

/**
 * Copies a tenant's rows into another's tables: as they are at one moment, all or nothing, and again from the start
 * after a crash.
 */
@Injectable()
export class TenantCopy {
  /** The others wait: their sessions are none of the pools', so nothing else bounds them. */
  private readonly turns = pLimit(COPIES_AT_ONCE);

  constructor(private readonly connections: HostConnections) {}

  /** Returns null, or the version that the source has where the target has an older one: then nothing was copied. */
  rows(job: TenantCopyJob): Promise<number | null> {
    return this.turns(() => this.copy(job));
  }

  private async copy(job: TenantCopyJob): Promise<number | null> {
    const { server, source, target, signal } = job;
    const sessions: Client[] = [];
    const open = async ({ databaseName }: CopyPlace): Promise<Client> => {
      signal.throwIfAborted();
      const session = await this.connections.open(server, databaseName);
      sessions.push(session);
      return session;
    };
    const endAll = () => Promise.all(sessions.map((session) => session.end().catch(() => {})));
    signal.addEventListener('abort', endAll, { once: true });
    try {
      const reader = await open(source);
      const writer = await open(target);
      signal.throwIfAborted();
      return await copySchema(job, reader, writer);
    } finally {
      signal.removeEventListener('abort', endAll);
      const ended = endAll();
      // A server that hangs does not confirm it, and others wait for this one's turn.
      if (!signal.aborted) await ended;
    }
  }
}

async function copySchema(
  { source, target }: TenantCopyJob,
  reader: ClientBase,
  writer: ClientBase,
): Promise<number | null> {
  const made = await listed<CopyTable>(writer, TABLES, target);
  const tables = await openSource(reader, source, new Set(made.map(({ name }) => name)));
  const version = await readVersion(reader, source, target.templateId);
  if (version > target.templateVersion) return version;
  if (version < target.templateVersion)
    throw differs(`The tenant has version ${version} of its template only.`);
  assertAlike(tables, made);
  await writer.query(`BEGIN; ${UNHURRIED}`);
  await makePartitions(reader, writer, { source, target });
  const keys = await listed<CopyConstraint>(writer, FOREIGN_KEYS, target);
  if (tables.length > 0) await writer.query(truncate(target.schemaName, tables));
  await writer.query(loosen(target.schemaName, tables, keys));
  for (const table of tables) await copyTable(reader, writer, { source, target, table });
  await copySequences(reader, writer, { source, target });
  await reader.query('COMMIT');
  await writer.query(tighten(target.schemaName, tables, keys));
  await writer.query('COMMIT');
  return null;
}

interface Places {
  readonly source: CopyPlace;
  readonly target: CopyPlace;
}

/** Throws CONFLICT where one of the two has a table or a column that the other lacks: rows would be lost. */
function assertAlike(tables: readonly CopyTable[], made: readonly CopyTable[]): void {
  const present = new Map(made.map((table) => [table.name, table]));
  for (const { name, columns } of tables) {
    const missing = columns.find((column) => !present.get(name)?.columns.includes(column));
    if (present.has(name) && missing === undefined) continue;
    const what = missing === undefined ? `the table "${name}"` : `the column "${name}"."${missing}"`;
    throw differs(`The tenant has ${what}, which its template does not have, so a clone would lose data.`);
  }
  const had = new Set(tables.map(({ name }) => name));
  const lost = [...present.keys()].find((name) => !had.has(name));
  if (lost !== undefined) throw differs(`The tenant lacks the table "${lost}" of its template.`);
}

function differs(what: string): RowhouseError {
  return new RowhouseError('CONFLICT', `${what} GET /api/templates/:id/drift tells all differences.`);
}

async function makePartitions(
  reader: ClientBase,
  writer: ClientBase,
  { source, target }: Places,
): Promise<void> {
  const present = await listed<CopyPartition>(writer, PARTITIONS, target);
  const has = new Set(present.map(({ parent, bound }) => `${parent} ${bound}`));
  for (const partition of await listed<CopyPartition>(reader, PARTITIONS, source)) {
    if (has.has(`${partition.parent} ${partition.bound}`)) continue;
    await writer.query(createPartition(target.schemaName, partition));
  }
}

async function copyTable(
  reader: ClientBase,
  writer: ClientBase,
  { source, target, table }: Places & { table: CopyTable },
): Promise<void> {
  await pipeline(
    reader.query(copyTo(copyOut(source.schemaName, table))),
    writer.query(copyFrom(copyIn(target.schemaName, table))),
  );
}

async function copySequences(
  reader: ClientBase,
  writer: ClientBase,
  { source, target }: Places,
): Promise<void> {
  for (const { name } of await listed<CopySequence>(reader, SEQUENCES, source)) {
    const { rows } = await reader.query<{ value: string; called: boolean }>(
      `SELECT last_value AS value, is_called AS called FROM ${qualified(source.schemaName, name)}`,
    );
    const [state] = rows;
    await writer.query('SELECT pg_catalog.setval($1::regclass, $2, $3)', [
      qualified(target.schemaName, name),
      state?.value,
      state?.called,
    ]);
  }
}

async function listed<Row extends Record<string, unknown>>(
  client: ClientBase,
  sql: string,
  { schemaName }: CopyPlace,
): Promise<Row[]> {
  const { rows } = await client.query<Row>(sql, [schemaName]);
  return rows;
}
