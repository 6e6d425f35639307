import { Injectable } from '@nestjs/common';
import { type ClientBase, DatabaseError } from 'pg';
import { sealAgain } from '../../../infra/postgres/session-seal.js';
import { isUnavailable } from '../../../infra/postgres/sqlstate.js';
import type { SqlStatement } from '../../../infra/sql-parser/sql-parser.js';
import type { FieldError } from '../../../kernel/errors.js';
import type { SchemaName } from '../../../kernel/identifiers.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';
import type { CatalogObject } from '../../../provisioning/tenancy/templates/schema-catalog.js';
import {
  ScratchBuildFailed,
  ScratchDatabase,
} from '../../../provisioning/tenancy/templates/scratch-database.js';
import { scratchSession, scratchSettings } from '../../../provisioning/tenancy/templates/scratch-sql.js';
import { TemplateExtensions } from '../../../provisioning/tenancy/templates/template-extensions.js';
import type { TemplateVersion } from '../../../provisioning/tenancy/templates/template-store.js';
import { type CheckedFile, type CheckedVersion, problemAt } from '../checked-version.js';
import { invalidVersion } from '../version-draft.js';
import { inspectSchema, inspectSession, readOutside } from './inspection.js';
import { MAX_ROWS, runStatement, TooManyRows } from './run-statement.js';
import { fileFailure, statementFailure } from './trial-failure.js';

/** For all statements of a version together. */
const RUN_TIMEOUT_MS = 60_000;
/** A version is tried twice, each time in a schema that is built for it. */
export const TRIAL_MS = 4 * RUN_TIMEOUT_MS;

interface Trial {
  readonly client: ClientBase;
  readonly schema: SchemaName;
  readonly version: CheckedVersion;
  readonly deadline: number;
}

/** Runs a version for real, where nobody lives, both as existing tenants would get it and as new ones would. */
@Injectable()
export class VersionTrial {
  constructor(
    private readonly servers: ServerRegistry,
    private readonly scratch: ScratchDatabase,
    private readonly extensions: TemplateExtensions,
  ) {}

  /**
   * Returns the extensions that a database needs for it and those before it. Throws SQL_ERROR or STATEMENT_TIMED_OUT with
   * the place, and VALIDATION_FAILED for what it did.
   */
  async run(version: CheckedVersion, former: readonly TemplateVersion[]): Promise<readonly string[]> {
    const server = this.servers.default();
    await this.scratch.withFreshSchema(server, former, (client, schema) =>
      runAsUpgrade({ client, schema, version, deadline: Date.now() + RUN_TIMEOUT_MS }),
    );
    const latest = former.at(-1);
    const before = latest ? await this.extensions.get(server, latest.templateId, latest.number) : [];
    const needed = await this.runAsNew(server, version, former);
    return [...new Set([...before, ...needed])].sort();
  }

  private async runAsNew(
    server: ManagedServer,
    version: CheckedVersion,
    former: readonly TemplateVersion[],
  ): Promise<readonly string[]> {
    const number = former.length + 1;
    const releases = [...former, { number, freshFiles: version.freshFiles }];
    try {
      return await this.scratch.withFreshSchema(server, releases, (client, schema) =>
        this.extensions.read(client, schema, [version]),
      );
    } catch (error) {
      const file = error instanceof ScratchBuildFailed && error.version === number && fileOf(version, error);
      throw file ? fileFailure(error.cause, file) : error;
    }
  }
}

async function runAsUpgrade(trial: Trial): Promise<void> {
  const { client, version } = trial;
  const outside = await readOutside(client);
  await (version.transactional ? runInTransaction(trial, outside) : runOnline(trial, outside));
  assertNothing(version, await inspectSession(client));
}

async function runInTransaction(trial: Trial, outside: readonly CatalogObject[]): Promise<void> {
  const { client, schema, version } = trial;
  await client.query('BEGIN');
  await runStatements(trial, (timeoutMs) => scratchSettings(schema, timeoutMs));
  assertNothing(version, await inspectSchema(client, schema, outside));
  await client.query('COMMIT');
}

async function runOnline(trial: Trial, outside: readonly CatalogObject[]): Promise<void> {
  const { client, schema } = trial;
  await inspectFresh(trial, outside);
  await runStatements(trial, (timeoutMs) => scratchSession(schema, timeoutMs));
  await client.query(`RESET ALL; ${sealAgain(client)}`);
}

/**
 * Each of the statements commits by itself, so what a new schema gets instead is looked at before them, and rolled back.
 * Where that fails, the statements fail too, and tell the place.
 */
async function inspectFresh(trial: Trial, outside: readonly CatalogObject[]): Promise<void> {
  const { client, schema, version } = trial;
  await client.query(`BEGIN; ${scratchSettings(schema, remaining(trial))}`);
  try {
    for (const { sql } of version.freshFiles) await client.query(sql);
    assertNothing(version, await inspectSchema(client, schema, outside));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  await client.query('ROLLBACK');
}

/** One by one, so that a failure without a position has its statement's. */
async function runStatements(trial: Trial, settings: (timeoutMs: number) => string): Promise<void> {
  const { client, version } = trial;
  for (const file of version.files) {
    for (const statement of file.statements) {
      await client.query(settings(remaining(trial)));
      await runStatement(client, statement.text).catch((error: unknown) => {
        if (error instanceof TooManyRows) throw invalidVersion([tooManyRows(file, statement)]);
        throw isRefusal(error) ? statementFailure(error, file, statement) : error;
      });
    }
  }
}

function tooManyRows(file: CheckedFile, { place }: SqlStatement): FieldError {
  return problemAt(file, place, `returns more than ${MAX_ROWS} rows, which nobody would read`);
}

/** PostgreSQL's no to a statement, not the end of the connection. */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && !isUnavailable(error);
}

function remaining({ deadline }: Trial): number {
  return deadline - Date.now();
}

function assertNothing({ field }: CheckedVersion, findings: readonly string[]): void {
  if (findings.length > 0) throw invalidVersion(findings.map((message) => ({ field, message })));
}

function fileOf({ files }: CheckedVersion, { file }: ScratchBuildFailed): CheckedFile | null {
  return files.find(({ name }) => name === file) ?? null;
}
