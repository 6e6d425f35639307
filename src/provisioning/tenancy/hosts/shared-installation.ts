import type { ClientBase } from 'pg';
import { FIND_SCHEMA, type SchemaRow } from '../../../infra/postgres/host-sql.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { quoteLiteral } from '../../../kernel/identifiers.js';
import { sharedSchema } from './shared-schema.js';

const STAMP = `SELECT pg_catalog.obj_description(oid, 'pg_namespace') AS stamp FROM pg_catalog.pg_namespace
  WHERE nspname = 'shared'`;
const INSTALL_PATIENCE = `SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s'`;

/** Brings the schema `shared` to this version of Rowhouse, in a session of the provisioner outside a transaction. */
export async function installShared(client: ClientBase): Promise<void> {
  const shared = await sharedSchema();
  if ((await readStamp(client)) === shared.stamp) return;
  await assertOwnSchema(client);
  const stamp = `COMMENT ON SCHEMA shared IS ${quoteLiteral(shared.stamp)}`;
  await client.query(`BEGIN; ${INSTALL_PATIENCE}; ${shared.sql}\n; ${stamp}; COMMIT`);
}

/** The same where an earlier release made it. Returns whether it was one. */
export async function upgradeShared(client: ClientBase): Promise<boolean> {
  const [stamp, { stamp: current }] = [await readStamp(client), await sharedSchema()];
  const isOlder = stamp !== null && stamp !== current;
  if (isOlder) await installShared(client);
  return isOlder;
}

/** Null where there is no schema, or none of Rowhouse's. */
async function readStamp(client: ClientBase): Promise<string | null> {
  const { rows } = await client.query<{ stamp: string | null }>(STAMP);
  return rows[0]?.stamp ?? null;
}

/** Somebody's own schema of that name is neither taken over nor touched. */
async function assertOwnSchema(client: ClientBase): Promise<void> {
  const { rows } = await client.query<SchemaRow>(FIND_SCHEMA, ['shared']);
  const [schema] = rows;
  if (!schema || schema.isOwn) return;
  throw new RowhouseError(
    'CONFLICT',
    `The database has a schema "shared" already, owned by ${schema.owner}. Rename it to let the database host tenants.`,
  );
}
