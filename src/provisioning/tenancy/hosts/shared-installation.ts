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
  const { rows } = await client.query<{ stamp: string | null }>(STAMP);
  if (rows[0]?.stamp === shared.stamp) return;
  await assertOwnSchema(client);
  const stamp = `COMMENT ON SCHEMA shared IS ${quoteLiteral(shared.stamp)}`;
  await client.query(`BEGIN; ${INSTALL_PATIENCE}; ${shared.sql}\n; ${stamp}; COMMIT`);
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
