import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { Client, ClientBase } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { RowhouseError } from '../../../kernel/errors.js';
import { quoteIdentifier } from '../../../kernel/identifiers.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { installShared } from '../hosts/shared-installation.js';
import { readCatalog } from '../templates/schema-catalog.js';
import { compareCatalogs } from '../templates/schema-difference.js';
import { makeDetached } from './tenant-copy-detached.js';
import { alignPartitions } from './tenant-copy-partitions.js';
import { asCopyRefusal } from './tenant-copy-refusal.js';
import { type Replacements, replaceOwnId } from './tenant-copy-registry.js';
import { COPY_SETTINGS, type CopyPlace, listTables, openSource, readVersion } from './tenant-copy-source.js';
import {
  type CopyConstraint,
  type CopySequence,
  type CopyTable,
  type CopyTrigger,
  FOREIGN_KEYS,
  SEQUENCES,
  TRIGGERS,
} from './tenant-copy-sql.js';
import { analyze, copyIn, copyOut, loosen, qualified, tighten, truncate } from './tenant-copy-statements.js';
import { refreshViews } from './tenant-copy-views.js';

export interface TenantCopyJob {
  readonly server: ManagedServer;
  readonly source: CopyPlace;
  /** Has the tables of the template's version, with rows that do not matter. */
  readonly target: CopyPlace & { readonly templateId: string | null; readonly templateVersion: number };
  readonly signal: AbortSignal;
}

const COPIES_AT_ONCE = 4;
/** More would be no message. */
const NAMED_DIFFERENCES = 5;

/**
 * Makes a new tenant what another one is: rows as they are at one moment, sequences, partitions, materialized views; all
 * or nothing, and again from the start after a crash.
 */
@Injectable()
export class TenantCopy {
  /** The others wait: their sessions are none of the pools', so nothing else bounds them. */
  private readonly turns = pLimit(COPIES_AT_ONCE);

  constructor(private readonly connections: HostConnections) {}

  /**
   * Returns null, or the version that the source has where the target has an older one: then nothing was copied. Throws
   * CONFLICT where the source is not as its template makes tenants, or its rows do not go into such tables.
   */
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
      return await copySchema(job, reader, writer).catch((error: unknown) => {
        throw asCopyRefusal(error);
      });
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
  const places = { source, target };
  await installShared(reader);
  await installShared(writer);
  const tables = await openSource(reader, source);
  const version = await readVersion(reader, source, target.templateId);
  if (version > target.templateVersion) return version;
  if (version < target.templateVersion)
    throw new RowhouseError('CONFLICT', `The tenant has version ${version} of its template only. ${DRIFT}`);
  await assertAlike(reader, writer, places);
  const made = await listTables(writer, target);
  const replacements = await replaceOwnId(reader, places);
  await showNames(reader, writer, places);
  await alignPartitions(reader, writer, places);
  await makeDetached(reader, writer, { tables, made, schema: target.schemaName });
  const filled = await fill(reader, writer, { ...places, tables, replacements });
  await reader.query('COMMIT');
  if (filled.length > 0) await writer.query(analyze(target.schemaName, filled));
  await writer.query('COMMIT');
  return null;
}

interface Places {
  readonly source: CopyPlace;
  readonly target: CopyPlace;
}

const DRIFT = 'GET /api/templates/:id/drift tells all differences.';

/** Throws CONFLICT where drift from the template is: the clone would not be its source. */
async function assertAlike(
  reader: ClientBase,
  writer: ClientBase,
  { source, target }: Places,
): Promise<void> {
  const expected = await readCatalog(writer, target.schemaName);
  const differences = compareCatalogs(expected, await readCatalog(reader, source.schemaName));
  if (differences.length === 0) return;
  const told = differences.slice(0, NAMED_DIFFERENCES).map(({ object, kind }) => `${object} (${kind})`);
  const more = differences.length - told.length;
  throw new RowhouseError(
    'CONFLICT',
    `The tenant differs from its template, which a clone is made from: ${told.join(', ')}${more > 0 ? ` and ${more} more` : ''}. ${DRIFT}`,
  );
}

/**
 * Begins the writer's transaction, in which names mean what they mean to template SQL: checks and views call functions.
 * The reader tells names of the source's schema without it, so that they mean the clone's.
 */
async function showNames(reader: ClientBase, writer: ClientBase, { source, target }: Places): Promise<void> {
  const path = `${quoteIdentifier(target.schemaName)}, shared, public, pg_temp`;
  await writer.query(`BEGIN; ${COPY_SETTINGS}; SET LOCAL search_path = ${path}`);
  if (source.schemaName === target.schemaName) return;
  await reader.query(`SET LOCAL search_path = ${quoteIdentifier(source.schemaName)}, pg_temp`);
}

/** Returns what has rows now. */
async function fill(
  reader: ClientBase,
  writer: ClientBase,
  {
    source,
    target,
    tables,
    replacements,
  }: Places & { tables: readonly CopyTable[]; replacements: Replacements },
): Promise<string[]> {
  const { schemaName } = target;
  const keys = await listed<CopyConstraint>(writer, FOREIGN_KEYS, target);
  const triggers = await listed<CopyTrigger>(writer, TRIGGERS, target);
  await writer.query(loosen(schemaName, keys, triggers));
  if (tables.length > 0) await writer.query(truncate(schemaName, tables));
  const filled: string[] = [];
  for (const table of tables) {
    const out = copyOut(source.schemaName, table, replacements.get(table.name));
    const rows = await copyTable(reader, writer, out, copyIn(target.schemaName, table));
    if (rows > 0) filled.push(table.name);
  }
  await copySequences(reader, writer, { source, target });
  await writer.query(tighten(schemaName, keys, triggers));
  return [...filled, ...(await refreshViews(reader, writer, { source, target }))];
}

async function copyTable(reader: ClientBase, writer: ClientBase, out: string, into: string): Promise<number> {
  const taken = writer.query(copyFrom(into));
  await pipeline(reader.query(copyTo(out)), taken);
  return taken.rowCount ?? 0;
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
    await writer.query('SELECT pg_catalog.setval($1::pg_catalog.regclass, $2, $3)', [
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
