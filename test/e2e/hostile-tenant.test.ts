import { afterAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { attempt, hold, loginWith } from '../support/hostile.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { createTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, config } = world;
const mine = await createDatabase(world);
const other = await createDatabase(world);
const tenant = await createTenant(world);
const neighbour = await createTenant(world, { databaseId: tenant.database_id });

await query(
  other.connection_string,
  "CREATE TABLE mine (secret text); INSERT INTO mine VALUES ('untouched')",
);

const REFUSED = '42501';
const OTHER_ROLE = other.username;

/** What a database's owner and a schema's tenant both try, on both ports, and the code that refuses it. `{me}`: who. */
const ATTEMPTS: readonly (readonly [sql: string, refusal: string])[] = [
  // Other roles
  ['SELECT rolpassword FROM pg_authid', REFUSED],
  ['SELECT passwd FROM pg_shadow', REFUSED],
  ['SELECT * FROM pg_user_mapping', REFUSED],
  ['SELECT subconninfo FROM pg_subscription', REFUSED],
  [`SELECT * FROM pg_rowhouse.user_lookup('${OTHER_ROLE}')`, REFUSED],
  ['CREATE ROLE intruder', REFUSED],
  ['CREATE ROLE "x"";DROP ROLE postgres"', REFUSED],
  ['CREATE USER intruder SUPERUSER', REFUSED],
  ['ALTER ROLE CURRENT_USER SUPERUSER', REFUSED],
  ['ALTER ROLE CURRENT_USER CREATEROLE', REFUSED],
  ['ALTER ROLE CURRENT_USER REPLICATION', REFUSED],
  ['ALTER ROLE CURRENT_USER BYPASSRLS', REFUSED],
  ['ALTER ROLE CURRENT_USER CONNECTION LIMIT -1', REFUSED],
  ["ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'", REFUSED],
  [`ALTER ROLE ${OTHER_ROLE} PASSWORD 'mine'`, REFUSED],
  [`ALTER ROLE ${OTHER_ROLE} SET search_path = mine`, REFUSED],
  ['ALTER ROLE postgres SET search_path = mine', REFUSED],
  ['ALTER ROLE ALL SET search_path = mine', REFUSED],
  ["COMMENT ON ROLE {me} IS 'Rowhouse'", REFUSED],
  [`DROP ROLE ${OTHER_ROLE}`, REFUSED],
  [`GRANT ${OTHER_ROLE} TO CURRENT_USER`, REFUSED],
  ['GRANT pg_read_all_data TO CURRENT_USER', REFUSED],
  [`GRANT {me} TO ${OTHER_ROLE}`, REFUSED],
  ['SET ROLE postgres', REFUSED],
  [`SET ROLE ${OTHER_ROLE}`, REFUSED],
  ['SET SESSION AUTHORIZATION postgres', REFUSED],
  [`SET SESSION AUTHORIZATION ${OTHER_ROLE}`, REFUSED],
  [`REASSIGN OWNED BY ${OTHER_ROLE} TO CURRENT_USER`, REFUSED],
  [`DROP OWNED BY ${OTHER_ROLE}`, REFUSED],
  // Other databases
  ['CREATE DATABASE intruder', REFUSED],
  [`DROP DATABASE ${other.database_name}`, REFUSED],
  [`ALTER DATABASE ${other.database_name} SET search_path = mine`, REFUSED],
  ['ALTER DATABASE postgres SET search_path = mine', REFUSED],
  ['ALTER DATABASE rowhouse_blank ALLOW_CONNECTIONS true', REFUSED],
  [`ALTER DATABASE ${config.control.database} ALLOW_CONNECTIONS false`, REFUSED],
  [`GRANT CONNECT ON DATABASE ${other.database_name} TO CURRENT_USER`, 'no privilege'],
  [`SELECT pg_database_size('${config.control.database}')`, REFUSED],
  // Files and programs
  ["SELECT pg_read_file('PG_VERSION')", REFUSED],
  ["SELECT pg_read_binary_file('/etc/passwd')", REFUSED],
  ["SELECT pg_stat_file('base')", REFUSED],
  ["SELECT pg_ls_dir('.')", REFUSED],
  ['SELECT pg_ls_logdir()', REFUSED],
  ['SELECT pg_ls_waldir()', REFUSED],
  ['SELECT pg_ls_tmpdir()', REFUSED],
  ['SELECT pg_current_logfile()', REFUSED],
  ["SELECT lo_import('/etc/passwd')", REFUSED],
  ["SELECT lo_export(1, '/tmp/rowhouse-intruder')", REFUSED],
  ["COPY (SELECT 1) TO '/tmp/rowhouse-intruder'", REFUSED],
  ["CREATE TEMPORARY TABLE t (l text); COPY t FROM '/etc/passwd'", REFUSED],
  ["COPY (SELECT 1) TO PROGRAM 'id'", REFUSED],
  ["CREATE TEMPORARY TABLE t (l text); COPY t FROM PROGRAM 'id'", REFUSED],
  ["CREATE TABLESPACE intruder LOCATION '/tmp'", REFUSED],
  ["LOAD '/tmp/intruder.so'", REFUSED],
  // The server
  ["ALTER SYSTEM SET log_statement = 'all'", REFUSED],
  ['SELECT pg_reload_conf()', REFUSED],
  ['SELECT pg_rotate_logfile()', REFUSED],
  ['SELECT pg_promote()', REFUSED],
  ['SELECT pg_switch_wal()', REFUSED],
  ['CHECKPOINT', REFUSED],
  ['SELECT pg_stat_reset()', REFUSED],
  ["SELECT pg_stat_reset_shared('bgwriter')", REFUSED],
  ['SELECT pg_log_backend_memory_contexts(1)', REFUSED],
  ['SELECT * FROM pg_hba_file_rules', REFUSED],
  ['SELECT * FROM pg_file_settings', REFUSED],
  ['SHOW data_directory', REFUSED],
  ['SHOW hba_file', REFUSED],
  ["SELECT pg_create_physical_replication_slot('x')", REFUSED],
  ["SELECT pg_create_logical_replication_slot('x', 'pgoutput')", REFUSED],
  ["SELECT pg_replication_origin_create('x')", REFUSED],
  ['CREATE PUBLICATION p FOR ALL TABLES', REFUSED],
  ["CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p", REFUSED],
  // Settings that outlive a session or show others' secrets
  ["SET session_preload_libraries = 'x'", REFUSED],
  ["SET log_statement = 'all'", REFUSED],
  ["SET log_min_duration_statement = '0'", REFUSED],
  ['SET session_replication_role = replica', REFUSED],
  ['SET allow_system_table_mods = on', REFUSED],
  ["SET dynamic_library_path = '/tmp'", REFUSED],
  ["SET temp_file_limit = '-1'", REFUSED],
  // Code
  ['CREATE EXTENSION dblink', REFUSED],
  ['CREATE EXTENSION postgres_fdw', REFUSED],
  ['CREATE EXTENSION file_fdw', REFUSED],
  ['CREATE EXTENSION adminpack', REFUSED],
  ['CREATE EXTENSION pageinspect', REFUSED],
  ['CREATE EXTENSION plpython3u', '0A000'],
  ['CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION now()', REFUSED],
  ["CREATE FUNCTION pg_temp.run(text) RETURNS int LANGUAGE c AS 'libc.so.6', 'system'", REFUSED],
  ["CREATE FUNCTION pg_temp.raw(internal) RETURNS int LANGUAGE internal AS 'int4in'", REFUSED],
  ['CREATE FOREIGN DATA WRAPPER x', REFUSED],
  ['CREATE ACCESS METHOD x TYPE TABLE HANDLER heap_tableam_handler', REFUSED],
  ['CREATE CAST (text AS int) WITHOUT FUNCTION', REFUSED],
  ['CREATE TABLE pg_catalog.pg_evil ()', REFUSED],
  ['CREATE OPERATOR pg_catalog.=== (leftarg = int, rightarg = int, function = int4eq)', REFUSED],
  ['CREATE SCHEMA pg_evil', '42939'],
  ['DROP SCHEMA pg_rowhouse CASCADE', REFUSED],
  ["UPDATE pg_catalog.pg_proc SET prosrc = ''", REFUSED],
  // In the administrator's way
  ['BEGIN; LOCK TABLE pg_catalog.pg_authid; COMMIT', REFUSED],
  ['BEGIN; LOCK TABLE pg_catalog.pg_database; COMMIT', REFUSED],
  ['BEGIN; LOCK TABLE pg_catalog.pg_class; COMMIT', REFUSED],
  ['SELECT * FROM pg_catalog.pg_database FOR UPDATE', REFUSED],
  ['REINDEX TABLE pg_catalog.pg_authid', REFUSED],
  ["PREPARE TRANSACTION 'x'", 'not in a transaction'],
  ["BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'x'", '55000'],
];

/** Not errors: PostgreSQL only warns, or does nothing; afterwards all is as before. */
const HARMLESS = new Set(['no privilege', 'not in a transaction']);

const DOORS = [
  ['an owner on the direct port', mine.connection_string],
  ['an owner on the pooled port', mine.connection_string_pooled],
  ['a tenant of a schema on the direct port', tenant.connection_string],
  ['a tenant of a schema on the pooled port', tenant.connection_string_pooled],
] as const;

describe.each(DOORS)('%s', (_, url) => {
  test('gets nothing by any statement', async () => {
    const session = await hold(url);
    const surprises: string[] = [];
    for (const [template, expected] of ATTEMPTS) {
      const sql = template.replace('{me}', new URL(url).username);
      const refusal = await errorCodeOf(session.query(sql));
      await session.query('ROLLBACK');
      // A tenant of a schema may not create at all, which is said first.
      const isFine = HARMLESS.has(expected) || refusal === expected || refusal === REFUSED;
      if (!isFine) surprises.push(`${sql}: ${refusal}`);
    }
    await session.end();

    expect(surprises).toEqual([]);
  });

  test('sees no statements, addresses or names of others', async () => {
    const activity = await query(
      url,
      `SELECT query, client_addr FROM pg_stat_get_activity(NULL)
       WHERE usesysid <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
         AND (client_addr IS NOT NULL OR query NOT IN ('<insufficient privilege>', ''))`,
    );
    const names = await query<{ rolname: string }>(url, 'SELECT rolname FROM pg_roles');

    expect(activity).toEqual([]);
    expect(names.map(({ rolname }) => rolname)).not.toContain(OTHER_ROLE);
  });

  test('ends and cancels no session of others', async () => {
    const victim = await hold(other.connection_string);
    const { rows } = await victim.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');

    for (const verb of ['pg_terminate_backend', 'pg_cancel_backend']) {
      const { refusal } = await attempt(url, `SELECT ${verb}(${rows[0]?.pid})`);
      expect(refusal).toBe(REFUSED);
    }
    expect((await victim.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await victim.end();
  });

  test('reaches no other database by name, with quotes in it, or by options', async () => {
    const names = [other.database_name, `${other.database_name}_shadow`, 'postgres', 'rowhouse_blank'];
    const odd = [
      'rowhouse_lookup',
      'rowhouse_access',
      'rowhouse_probe',
      'template1',
      'pgbouncer',
      config.control.database,
    ];

    for (const database of [...names, ...odd, `${other.database_name}" host=x`, `x';--`, '*', ''])
      if (database !== '') expect(await loginError(url, { database }), database).toMatch(/^[0-9A-Z]{5}$/);
    expect(await loginWith(url, { replication: 'true' })).not.toBeNull();
    expect(await loginWith(url, { replication: 'database' })).not.toBeNull();
    expect(await canLogin(url)).toBe(true);
  });

  test.each(['role=postgres', `role=${OTHER_ROLE}`, 'session_authorization=postgres', 'log_statement=all'])(
    'starts no session with %s',
    async (option) => {
      const options = `-c ${option}`;
      const who = await attemptWith(url, options);

      expect(who === null || who === new URL(url).username).toBe(true);
    },
  );

  test('gets no further into the console of the pooler by its own name or by another', async () => {
    const pooled = new URL(mine.connection_string_pooled);
    for (const user of [new URL(url).username, config.server.pooler?.adminUser ?? '', 'pgbouncer'])
      expect(await loginError(pooled.href, { database: 'pgbouncer', user })).not.toBeNull();
  });
});

test('a tenant of a schema reads nothing of its neighbour, its host, or the owner', async () => {
  const url = tenant.connection_string;
  const { schema_name: schema } = neighbour;

  for (const sql of [
    `SET ROLE ${neighbour.username}`,
    `SET ROLE ${tenant.database_name}_app`,
    `SET ROLE ${tenant.database_name}_provisioner`,
    `CREATE TABLE ${schema}.mine ()`,
    'CREATE SCHEMA mine',
    'CREATE TABLE public.mine ()',
    'CREATE FUNCTION public.now() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'DROP TABLE shared.tenants',
    'DELETE FROM shared.tenants',
    'SELECT * FROM shared.template_files',
    'ALTER DATABASE CURRENT SET search_path = mine',
  ])
    expect((await attempt(url, sql)).refusal, sql).toMatch(/^(42501|42601|42P01|3D000)$/);
  const ids = await query<{ id: string }>(url, 'SELECT id FROM shared.tenants');
  expect(ids).toEqual([{ id: tenant.id }]);
});

afterAll(async () => {
  expect(await query(other.connection_string_pooled, 'SELECT secret FROM mine')).toEqual([
    { secret: 'untouched' },
  ]);
  (await api.get('/health/ready', { key: null })).expect(200);
  expect(await canLogin((await createDatabase(world)).connection_string_pooled)).toBe(true);
});

/** Who one is after a login with these options; null when it was refused. */
async function attemptWith(url: string, options: string): Promise<string | null> {
  try {
    const session = await connect(url, { options });
    const { rows } = await session.query<{ name: string }>('SELECT current_user AS name');
    await session.end();
    return rows[0]?.name ?? null;
  } catch {
    return null;
  }
}
