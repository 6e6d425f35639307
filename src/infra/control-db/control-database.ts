import { Client } from 'pg';
import type { Config } from '../../config/config.js';
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.js';
import { scramVerifier } from '../../kernel/scram.js';
import { entranceOptions } from '../postgres/entrance.js';
import { explainLogin } from '../postgres/login-error.js';
import { SQLSTATE, sqlState } from '../postgres/sqlstate.js';
import { assertSupported } from '../postgres/supported-versions.js';

/**
 * Refuses a server that is too old, and makes the control role and the control database where they are missing, through the admin connection. Safe when
 * several processes start at once: the one that comes second finds what the first made.
 */
export async function ensureControlDatabase(config: Config): Promise<void> {
  const { adminUser, adminPassword, tls } = config.server;
  const client = new Client({
    ...entranceOptions(config.server, tls, config.caFile),
    user: adminUser,
    password: adminPassword,
    database: 'postgres',
    application_name: 'rowhouse',
    options: '-c search_path=pg_catalog,pg_temp -c statement_timeout=60s -c lock_timeout=10s',
  });
  client.on('error', () => {});
  await client.connect().catch((error: unknown) => {
    throw explainLogin(error, {
      server: 'PostgreSQL',
      user: adminUser,
      userVariable: 'PG_ADMIN_USER',
      passwordVariable: 'PG_ADMIN_PASSWORD',
      isPasswordSet: adminPassword !== '',
    });
  });
  try {
    await assertServerSupported(client);
    await createRole(client, config);
    await createDatabase(client, config);
  } finally {
    await client.end();
  }
}

async function assertServerSupported(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    "SELECT pg_catalog.current_setting('server_version_num')::integer AS version",
  );
  assertSupported(rows[0]?.version ?? 0);
}

async function createRole(client: Client, { control, server }: Config): Promise<void> {
  if (control.user === server.adminUser) return;
  const found = await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [control.user]);
  if (found.rowCount) return;
  const verifier = quoteLiteral(await scramVerifier(control.password));
  await ignoring(SQLSTATE.duplicateObject, () =>
    client.query(`CREATE ROLE ${quoteIdentifier(control.user)} LOGIN PASSWORD ${verifier}`),
  );
}

async function createDatabase(client: Client, { control }: Config): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [
    control.database,
  ]);
  if (found.rowCount) return;
  const name = quoteIdentifier(control.database);
  await ignoring(SQLSTATE.duplicateDatabase, () =>
    client.query(
      `CREATE DATABASE ${name} OWNER ${quoteIdentifier(control.user)} TEMPLATE template0 ENCODING 'UTF8'`,
    ),
  );
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
}

/** Losing the race shows as "duplicate", or as a unique violation in the catalog itself. */
async function ignoring(state: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const actual = sqlState(error);
    if (actual !== state && actual !== SQLSTATE.uniqueViolation) throw error;
  }
}
