import { Client } from 'pg';
import type { Config } from '../../config/config.js';
import { RowhouseError } from '../../kernel/errors.js';
import { explainLogin } from '../postgres/login-error.js';
import { SQLSTATE, sqlState } from '../postgres/sqlstate.js';
import { controlConnection } from './connection.js';
import {
  type AppliedMigration,
  compareMigrations,
  type MigrationFile,
  type MigrationStatus,
  readMigrations,
} from './migrations.js';

/** Any constant does; it names the migration lock among the advisory locks of the control database. */
const LOCK_KEY = 7_264_031;

const CREATE_LEDGER = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    file text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/**
 * Applies the pending migrations of the control database and returns their file names. All of it is one transaction
 * under a transaction-level advisory lock: this holds through PgBouncer's transaction pooling, any number of processes
 * may start at once, and a failing file leaves nothing behind. A changed checksum of an applied file is an error.
 */
export async function migrate(config: Config): Promise<string[]> {
  const files = await readMigrations();
  return withControlClient(config, async (client) => {
    await client.query('BEGIN');
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0');
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK_KEY})`);
    await client.query(CREATE_LEDGER);
    const pending = pendingFiles(files, await readLedger(client));
    for (const migration of pending) await apply(client, migration);
    await client.query('COMMIT');
    return pending.map((migration) => migration.file);
  });
}

export async function migrationStatus(config: Config): Promise<MigrationStatus[]> {
  const files = await readMigrations();
  return withControlClient(config, async (client) => compareMigrations(files, await findLedger(client)));
}

function pendingFiles(
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): MigrationFile[] {
  const states = compareMigrations(files, applied);
  const changed = states.filter((row) => row.state === 'changed').map((row) => row.file);
  if (changed.length > 0) {
    throw new RowhouseError(
      'CONFLICT',
      `Applied migrations were changed afterwards: ${changed.join(', ')}. Restore the files as they were released.`,
    );
  }
  const pending = new Set(states.filter((row) => row.state === 'pending').map((row) => row.file));
  return files.filter((migration) => pending.has(migration.file));
}

async function apply(client: Client, { file, sql, checksum }: MigrationFile): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    throw new Error(`The migration ${file} failed: ${(error as Error).message}`, { cause: error });
  }
  await client.query('INSERT INTO schema_migrations (file, checksum) VALUES ($1, $2)', [file, checksum]);
}

async function findLedger(client: Client): Promise<AppliedMigration[]> {
  try {
    return await readLedger(client);
  } catch (error) {
    if (sqlState(error) === SQLSTATE.undefinedTable) return [];
    throw error;
  }
}

async function readLedger(client: Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    'SELECT file, checksum, applied_at AS "appliedAt" FROM schema_migrations ORDER BY file',
  );
  return rows;
}

async function withControlClient<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...controlConnection(config), query_timeout: 0 });
  // A lost connection also rejects the query under way, which is where it is handled.
  client.on('error', () => undefined);
  const { user, password } = config.control;
  await client.connect().catch((error: unknown) => {
    throw explainLogin(error, {
      server: config.server.pooler ? 'PgBouncer' : 'PostgreSQL',
      user,
      userVariable: 'DB_USER',
      passwordVariable: 'DB_PASSWORD',
      isPasswordSet: password !== '',
    });
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
