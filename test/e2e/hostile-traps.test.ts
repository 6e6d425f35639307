import { Client } from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { adminConnection } from '../../src/infra/postgres/admin-connection.js';
import type { ApiResponse } from '../support/api-response.js';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { hold } from '../support/hostile.js';
import { untilIdle } from '../support/leftovers.js';
import { canLogin, query } from '../support/sql.js';
import { createTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, config, server } = world;
const bystander = await createDatabase(world);

afterAll(async () => {
  expect(await canLogin(bystander.connection_string_pooled)).toBe(true);
  (await api.get('/health/ready', { key: null })).expect(200);
  expect(await canLogin((await createDatabase(world)).connection_string_pooled)).toBe(true);
});

/** Settings of a database that its owner may store, each against whoever comes in. */
const NASTY_SETTINGS = [
  ['local_preload_libraries', "'rowhouse_no_such_library'"],
  ['search_path', 'public, pg_catalog'],
  ['statement_timeout', '1'],
  ['lock_timeout', '1'],
  ['idle_in_transaction_session_timeout', '1'],
  ['idle_session_timeout', '1'],
  ['default_transaction_read_only', 'on'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_deferrable', 'on'],
  ['client_min_messages', 'debug5'],
  ['exit_on_error', 'on'],
  ['row_security', 'off'],
  ['standard_conforming_strings', 'off'],
  ['quote_all_identifiers', 'on'],
  ['transform_null_equals', 'on'],
  ['array_nulls', 'off'],
  ['bytea_output', 'escape'],
  ['DateStyle', "'SQL, DMY'"],
  ['IntervalStyle', 'sql_standard'],
  ['tcp_user_timeout', '1'],
  ['role', "'pg_monitor'"],
] as const;

/** Stand in for functions of pg_catalog where a search_path finds them first; a sequence keeps count through rollbacks. */
const TRAPS = `
  CREATE SEQUENCE public.sprung;
  CREATE FUNCTION public.spring() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN
    IF current_user <> (SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database
                        WHERE datname = pg_catalog.current_database()) THEN
      PERFORM pg_catalog.nextval('public.sprung');
    END IF; RETURN true; END $$;
  CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT public.spring(); SELECT 'x'::text $$;
  CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT public.spring(); SELECT 'x'::text $$;
  CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT public.spring(); SELECT pg_catalog.now() $$;
  CREATE FUNCTION public.current_database() RETURNS name LANGUAGE sql AS $$ SELECT public.spring(); SELECT 'x'::name $$;
  CREATE FUNCTION public.to_regclass(text) RETURNS regclass LANGUAGE sql AS $$ SELECT public.spring(); SELECT NULL::regclass $$;
  CREATE FUNCTION public.obj_description(oid, name) RETURNS text LANGUAGE sql AS $$ SELECT public.spring(); SELECT 'x'::text $$;
  CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT public.spring(); SELECT 'x'::text $$;
  CREATE FUNCTION public.pg_has_role(oid, text) RETURNS boolean LANGUAGE sql AS $$ SELECT public.spring(); SELECT true $$;
  CREATE FUNCTION public.eq(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT public.spring(); SELECT true $$;
  CREATE FUNCTION public.eq(name, name) RETURNS boolean LANGUAGE sql AS $$ SELECT public.spring(); SELECT true $$;
  CREATE FUNCTION public.eq(name, text) RETURNS boolean LANGUAGE sql AS $$ SELECT public.spring(); SELECT true $$;
  CREATE OPERATOR public.= (leftarg = oid, rightarg = oid, function = public.eq);
  CREATE OPERATOR public.= (leftarg = name, rightarg = name, function = public.eq);
  CREATE OPERATOR public.= (leftarg = name, rightarg = text, function = public.eq);
  CREATE VIEW public.pg_extension AS SELECT public.spring(), 'citext'::name AS extname;
  CREATE VIEW public.pg_roles AS SELECT public.spring(), 'postgres'::name AS rolname;
  CREATE VIEW public.pg_class AS SELECT public.spring(), 0::oid AS oid, 'x'::name AS relname;
  CREATE VIEW public.pg_namespace AS SELECT public.spring(), 0::oid AS oid, 'x'::name AS nspname;
  CREATE VIEW public.pg_available_extensions AS SELECT public.spring(), 'citext'::name AS name`;

/** As superuser in a database; pinned as Rowhouse's own sessions are, or as a careless one. */
async function asAdmin<T>(database: string, sql: string, pinned = { options: '' }): Promise<T[]> {
  const { options, ...connection } = adminConnection(config.server, config.caFile, {
    database,
    serverVersionNum: 0,
  });
  const client = new Client({ ...connection, options: pinned.options || options });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function succeeds(asked: Promise<ApiResponse<unknown>>): Promise<void> {
  const answer = await asked;
  expect(answer.ok, JSON.stringify(answer.body)).toBe(true);
}

const hasSprung = async ({ database_name: name }: NewDatabase) => {
  const [row] = await asAdmin<{ is_called: boolean }>(name, 'SELECT is_called FROM public.sprung');
  return row?.is_called;
};

describe('an owner who set traps in its database', () => {
  test('catches nobody who does the work of Rowhouse there', async () => {
    const database = await createDatabase(world);
    const { id, database_name: name } = database;
    await query(database.connection_string, TRAPS);
    for (const [setting, value] of NASTY_SETTINGS) {
      // The owner is locked out of its own database by some of them; they last, whoever sets them.
      await server.query(`ALTER DATABASE ${name} SET ${setting} = ${value}`);
    }

    await succeeds(api.post(`/api/databases/${id}/rotate-credentials`));
    for (const extension of ['citext', 'hstore', 'pg_trgm', 'pgcrypto', 'uuid-ossp', 'btree_gist'])
      await succeeds(api.put(`/api/databases/${id}/extensions/${extension}`));
    await succeeds(api.post(`/api/databases/${id}/shadow`));
    await succeeds(api.post(`/api/databases/${id}/suspend`));
    await succeeds(api.post(`/api/databases/${id}/resume`));
    await succeeds(api.get(`/api/databases/${id}/capacity`));
    await succeeds(api.post(`/api/databases/${id}/host`));
    const tenant = await createTenant(world, { databaseId: id });
    // It comes through the tenants' own doors, which some of these settings close.
    await server.query(`ALTER DATABASE ${name} RESET ALL`);
    await server.query(`ALTER DATABASE ${name} SET search_path = public, pg_catalog`);
    await succeeds(api.post(`/api/databases/${id}/leak-test`));
    await succeeds(api.delete(`/api/tenants/${tenant.id}`));
    const [row] = await world.control.query<{ id: string }>('SELECT id FROM servers');
    await succeeds(api.post(`/api/servers/${row?.id}/reconcile`));

    expect(await hasSprung(database)).toBe(false);
    await asAdmin(name, 'SELECT now()', { options: '-c local_preload_libraries= -c role=none' });
    expect(await hasSprung(database), 'the traps work').toBe(true);
    (await api.delete(`/api/databases/${id}`)).expect(200);
  });
});

describe('an owner who grants something to the role of another', () => {
  const entangle = async () => {
    const [hostile, victim] = [await createDatabase(world, { shadow: true }), await createDatabase(world)];
    await query(
      hostile.connection_string,
      `CREATE TABLE bait (); GRANT SELECT ON bait TO ${victim.username}`,
    );
    return { hostile, victim, name: hostile.database_name };
  };
  const expectGone = async (victim: NewDatabase) => {
    (await api.delete(`/api/databases/${victim.id}`)).expect(200);
    expect(await server.query('SELECT FROM pg_roles WHERE rolname = $1', [victim.username])).toEqual([]);
  };

  test('does not keep that role by a library that nobody can load', async () => {
    const { hostile, victim, name } = await entangle();
    await query(
      hostile.connection_string,
      `ALTER DATABASE ${name} SET local_preload_libraries = 'none_such'`,
    );

    await expectGone(victim);
  });

  test('does not keep that role by closing its database', async () => {
    const { hostile, victim, name } = await entangle();
    await query(hostile.shadow_database_url, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);

    await expectGone(victim);
  });

  test('does not keep that role by a transaction that it leaves open', async () => {
    const { hostile, victim } = await entangle();
    const session = await hold(
      hostile.connection_string,
      'SET idle_in_transaction_session_timeout = 0',
      'BEGIN',
      `GRANT INSERT ON bait TO ${victim.username}`,
    );

    await expectGone(victim);
    await session.end().catch(() => undefined);
  });
});

describe('a tenant that holds its own role in an open transaction', () => {
  test.each([
    ['suspended', 'suspend'],
    ['rotated', 'rotate-credentials'],
  ])('is %s all the same', async (_, verb) => {
    const database = await createDatabase(world);
    const session = await hold(
      database.connection_string,
      'SET idle_in_transaction_session_timeout = 0',
      'BEGIN',
      `ALTER ROLE ${database.username} PASSWORD 'mine'`,
      `ALTER ROLE ${database.username} SET statement_timeout = 0`,
    );

    (await api.post(`/api/databases/${database.id}/${verb}`)).expect(200);

    expect(await canLogin(database.connection_string)).toBe(false);
    expect(await canLogin(database.connection_string_pooled)).toBe(false);
    await session.end().catch(() => undefined);
    await untilIdle(world);
  });
});
