import { Session } from '../support/session.js';
import type { World } from '../support/world.js';

/** Of every home, stock included. */
const EXPECTED = `
  SELECT database_name AS name FROM databases UNION ALL SELECT database_name FROM warm_databases
  UNION ALL SELECT username FROM databases UNION ALL SELECT username FROM warm_databases
  UNION ALL SELECT schema_name FROM tenants UNION ALL SELECT schema_name FROM warm_schemas
  UNION ALL SELECT username FROM tenants WHERE username IS NOT NULL UNION ALL SELECT username FROM warm_schemas`;

const ON_SERVER = `
  SELECT datname AS name FROM pg_catalog.pg_database WHERE datname ~ '^tenant_[0-9a-f]{8}$'
  UNION ALL SELECT rolname FROM pg_catalog.pg_roles WHERE rolname ~ '^(user|tenant)_[0-9a-f]+$'`;

const HOSTS = `SELECT d.database_name AS name FROM hosts h JOIN databases d ON d.id = h.database_id`;
const SCHEMAS = `SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE nspname ~ '^tenant_[0-9]+$'`;

/** Databases, schemas and roles that no row knows. */
export async function findForgottenNames({ control, server, config }: World): Promise<string[]> {
  const there = await namesOf(server, ON_SERVER);
  const { host, port, adminUser: user, adminPassword: password } = config.server;
  for (const database of await namesOf(control, HOSTS)) {
    const session = new Session({ host, port, user, password, database });
    there.push(...(await namesOf(session, SCHEMAS).finally(() => session.end())));
  }
  const expected = new Set(await namesOf(control, EXPECTED));
  return there.filter((name) => !expected.has(name)).map((name) => `${name} is forgotten on the server`);
}

async function namesOf(session: Session, sql: string): Promise<string[]> {
  return (await session.query<{ name: string }>(sql)).map(({ name }) => name);
}
