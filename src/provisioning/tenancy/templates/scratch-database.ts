import { Injectable, Logger } from '@nestjs/common';
import { type ClientBase, DatabaseError } from 'pg';
import { isUnavailable, SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { SchemaName } from '../../../kernel/identifiers.js';
import type { ManagedServer } from '../../managed-server.js';
import { SCRATCH_DATABASE } from '../../marks.js';
import { HostConnections } from '../hosts/host-connections.js';
import { scratchSchemaName, scratchSchemaTime } from './scratch-names.js';
import { ScratchPreparation } from './scratch-preparation.js';
import {
  createScratchSchema,
  dropScratchSchema,
  LIST_SCRATCH_SCHEMAS,
  RUN_FILE,
  scratchTimeouts,
} from './scratch-sql.js';
import type { TemplateVersion } from './template-store.js';

/** A schema that is older belongs to nobody any more: whoever made it has crashed. */
const MAX_AGE_MS = 3_600_000;
const BUILD_TIMEOUT_MS = 60_000;

type Release = Pick<TemplateVersion, 'number' | 'freshFiles'>;

/** A file that a new schema of these versions cannot run. The cause is PostgreSQL's error. */
export class ScratchBuildFailed extends RowhouseError {
  constructor(
    readonly version: number,
    readonly file: string,
    override readonly cause: DatabaseError,
  ) {
    super('SQL_ERROR', `Version ${version}, "${file}": ${cause.message} (${cause.code})`, { cause });
    this.name = 'ScratchBuildFailed';
  }
}

/**
 * Schemas to try things out in, each gone when the work is done. They stand in a database of their own on the server,
 * and all that runs there runs as its provisioner, a role without power.
 */
@Injectable()
export class ScratchDatabase {
  private readonly logger = new Logger(ScratchDatabase.name);
  private readonly prepared = new Map<string, Promise<void>>();

  constructor(
    private readonly connections: HostConnections,
    private readonly preparation: ScratchPreparation,
  ) {}

  /**
   * Makes a schema as a new tenant of these versions gets it, seeds included, and runs `work` in a session of its owner,
   * whose search_path is pg_catalog and which is outside a transaction. Throws ScratchBuildFailed.
   */
  async withFreshSchema<T>(
    server: ManagedServer,
    versions: readonly Release[],
    work: (client: ClientBase, schema: SchemaName) => Promise<T>,
  ): Promise<T> {
    await this.prepare(server);
    const schema = scratchSchemaName(new Date());
    try {
      return await this.connections.use(server, SCRATCH_DATABASE, async (client) => {
        await build(client, schema, versions);
        return work(client, schema);
      });
    } catch (error) {
      if (sqlState(error) === SQLSTATE.invalidCatalogName) this.prepared.delete(server.id);
      throw error;
    } finally {
      await this.clean(server, schema);
    }
  }

  /** Once for each server and process. */
  private async prepare(server: ManagedServer): Promise<void> {
    const known = this.prepared.get(server.id) ?? this.preparation.prepare(server);
    this.prepared.set(server.id, known);
    await known.catch((error: unknown) => {
      this.prepared.delete(server.id);
      throw error;
    });
  }

  /** In a session of its own, since the one of the work may be broken. What fails now is swept later. */
  private async clean(server: ManagedServer, schema: SchemaName): Promise<void> {
    try {
      await this.connections.use(server, SCRATCH_DATABASE, async (client) => {
        await client.query(dropScratchSchema(schema));
        for (const old of await listLeftovers(client)) await client.query(dropScratchSchema(old));
      });
    } catch (error) {
      this.logger.warn(`The scratch schema ${schema.value} could not be dropped yet`, error);
    }
  }
}

/** Version by version in transactions, as a new tenant gets them, and file by file. */
async function build(client: ClientBase, schema: SchemaName, versions: readonly Release[]): Promise<void> {
  await client.query(createScratchSchema(schema));
  for (const { number, freshFiles } of versions) {
    await client.query(`BEGIN; ${scratchTimeouts(BUILD_TIMEOUT_MS)}`);
    for (const { name, sql } of freshFiles) {
      await client
        .query(RUN_FILE, [schema.value, sql])
        .catch((error: unknown) => refuse(error, { number, name }));
    }
    await client.query('COMMIT').catch((error: unknown) => {
      const last = freshFiles.at(-1);
      return refuse(error, { number, name: last?.name ?? '' });
    });
  }
}

function refuse(error: unknown, { number, name }: { number: number; name: string }): never {
  if (error instanceof DatabaseError && !isUnavailable(error))
    throw new ScratchBuildFailed(number, name, error);
  throw error;
}

async function listLeftovers(client: ClientBase): Promise<SchemaName[]> {
  const { rows } = await client.query<{ name: string }>(LIST_SCRATCH_SCHEMAS);
  const limit = Date.now() - MAX_AGE_MS;
  return rows
    .filter(({ name }) => (scratchSchemaTime(name)?.getTime() ?? Infinity) < limit)
    .map(({ name }) => SchemaName.of(name));
}
