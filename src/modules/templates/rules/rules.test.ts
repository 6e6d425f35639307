import { afterAll, describe, expect, test } from 'vitest';
import { SqlParser, type SqlStatement } from '../../../infra/sql-parser/sql-parser.js';
import { judgeOnline } from './online-rules.js';
import { explainSyntaxError } from './syntax-hints.js';
import { refuseStatement } from './transactional-rules.js';
import { withoutConcurrently } from './without-concurrently.js';

const parser = new SqlParser();
afterAll(() => parser.onApplicationShutdown());

async function only(sql: string): Promise<SqlStatement> {
  const [statement] = (await parser.parse(sql)).statements;
  if (!statement) throw new Error(`no statement: ${sql}`);
  return statement;
}

const refusal = async (sql: string) => refuseStatement(await only(sql));

describe('a version in a transaction may have', () => {
  test.each([
    'CREATE TABLE products (id bigint PRIMARY KEY, tenant_id uuid REFERENCES shared.tenants (id))',
    'CREATE TABLE log (at timestamptz) PARTITION BY RANGE (at)',
    'CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (2)',
    'CREATE TABLE copy AS SELECT * FROM shared.tenants',
    'CREATE TEMP TABLE scratch (a int) ON COMMIT DROP',
    'ALTER TABLE products ADD COLUMN colour public.citext, DROP COLUMN name',
    'ALTER TABLE products RENAME COLUMN a TO b',
    'ALTER TABLE log DETACH PARTITION log_1',
    'CREATE UNIQUE INDEX ON products (lower(name))',
    'DROP TABLE IF EXISTS a, b CASCADE',
    'DROP FUNCTION f(shared.t)',
    'DROP TRIGGER t ON products',
    "CREATE TYPE colour AS ENUM ('red')",
    "ALTER TYPE colour ADD VALUE 'blue'",
    'CREATE DOMAIN money2 AS numeric CHECK (VALUE > 0)',
    'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$ BEGIN RETURN NEW; END $$',
    'CREATE TRIGGER t BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION shared.touch_updated_at()',
    'CREATE VIEW v AS SELECT * FROM products',
    'CREATE MATERIALIZED VIEW m AS SELECT 1',
    'REFRESH MATERIALIZED VIEW m',
    'CREATE POLICY p ON products USING (true)',
    "COMMENT ON COLUMN products.name IS 'x'",
    'CREATE STATISTICS s ON a, b FROM products',
    'CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int)',
    'GRANT SELECT ON products TO PUBLIC',
    'INSERT INTO products SELECT * FROM shared.tenants',
    'UPDATE products SET a = 1',
    'DELETE FROM products',
    'TRUNCATE products',
    'DO $$ BEGIN NULL; END $$',
    "SELECT setval('products_id_seq', 10)",
    'SET LOCAL work_mem = 1000',
    'SET CONSTRAINTS ALL IMMEDIATE',
    'LOCK TABLE products',
    'ANALYZE products',
  ])('%s', async (sql) => {
    expect(await refusal(sql)).toBeNull();
  });
});

describe('no version may have', () => {
  test.each([
    ['COMMIT', 'COMMIT is not for templates: a version runs in one transaction'],
    ['begin', 'BEGIN is not for templates: a version runs in one transaction'],
    ['ROLLBACK TO x', 'ROLLBACK is not for templates'],
    ['SET ROLE postgres', 'SET ROLE is not for templates: it runs as one role'],
    ['RESET ROLE', 'RESET ROLE is not for templates'],
    ['SET LOCAL ROLE x', 'SET ROLE is not for templates'],
    ['SET SESSION AUTHORIZATION x', 'SET SESSION is not for templates'],
    ['SET search_path = x', 'SET search_path is not for templates: Rowhouse sets it'],
    ['SET LOCAL search_path = x', 'SET search_path is not for templates'],
    ['SET LOCAL lock_timeout = 0', 'SET lock_timeout is not for templates'],
    ['SET work_mem = 1000', 'SET work_mem is not for templates: it belongs to a session'],
    ['RESET ALL', 'RESET ALL is not for templates'],
    ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'SET TRANSACTION is not for templates'],
    ["SELECT pg_catalog.set_config('search_path', 'x', false)", 'write SET LOCAL'],
    ['DISCARD ALL', 'DISCARD is not for templates'],
    ["ALTER SYSTEM SET work_mem = '1GB'", 'ALTER SYSTEM is not for templates: it concerns the whole server'],
    ['CREATE SCHEMA x', 'CREATE SCHEMA is not for templates: Rowhouse makes the schema'],
    ['DROP SCHEMA shared CASCADE', 'DROP SCHEMA is not for templates'],
    ['ALTER SCHEMA shared RENAME TO x', 'ALTER SCHEMA is not for templates'],
    ['ALTER TABLE products SET SCHEMA shared', 'ALTER TABLE is not for templates: Rowhouse makes the schema'],
    ['CREATE DATABASE x', 'CREATE DATABASE is not for templates'],
    ['ALTER DATABASE x SET work_mem = 1', 'ALTER DATABASE is not for templates'],
    ['CREATE ROLE x', 'CREATE ROLE is not for templates'],
    ['ALTER USER x SUPERUSER', 'ALTER USER is not for templates'],
    ['DROP OWNED BY x', 'DROP OWNED is not for templates'],
    ['GRANT a TO b', 'GRANT is not for templates: roles belong to the server'],
    ['GRANT USAGE ON SCHEMA shared TO PUBLIC', 'GRANT is not for templates: Rowhouse makes the schema'],
    ['GRANT SELECT ON ALL TABLES IN SCHEMA shared TO PUBLIC', 'GRANT is not for templates'],
    ['ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC', 'ALTER DEFAULT is not for templates'],
    ['ALTER TABLE products OWNER TO x', 'ALTER TABLE is not for templates: roles belong'],
    ["CREATE TABLESPACE x LOCATION '/tmp'", 'CREATE TABLESPACE is not for templates'],
    [
      'CREATE TABLE x (a int) TABLESPACE y',
      'CREATE TABLE is not for templates: it concerns the whole server',
    ],
    [
      'CREATE EXTENSION citext',
      'CREATE EXTENSION is not for templates: leave it out: a database gets the extensions that a version uses',
    ],
    ['CREATE EXTENSION dblink', 'CREATE EXTENSION is not for templates: no database may have "dblink"'],
    ['DROP EXTENSION citext', 'DROP EXTENSION is not for templates: leave it out'],
    ["COPY products FROM '/etc/passwd'", 'COPY is not for templates'],
    ["COPY products TO PROGRAM 'id'", 'COPY is not for templates'],
    ['LISTEN x', 'LISTEN is not for templates'],
    ['NOTIFY x', 'NOTIFY is not for templates'],
    ["LOAD 'auto_explain'", 'LOAD is not for templates'],
    ['VACUUM products', 'VACUUM is not for templates: it cannot run in a transaction'],
    ['ANALYZE', 'ANALYZE is not for templates: it concerns the whole database'],
    ['CLUSTER products', 'CLUSTER is not for templates'],
    ['CREATE INDEX CONCURRENTLY i ON products (a)', '"transaction": false'],
    ['DROP INDEX CONCURRENTLY i', '"transaction": false'],
    ['REINDEX TABLE products', '"transaction": false'],
    ['ALTER TABLE a DETACH PARTITION b CONCURRENTLY', '"transaction": false'],
    ['CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION f()', 'CREATE EVENT is not for templates'],
    ["CREATE SUBSCRIPTION x CONNECTION '' PUBLICATION y", 'CREATE SUBSCRIPTION is not for templates'],
    ['CREATE PUBLICATION x', 'CREATE PUBLICATION is not for templates'],
    ['CREATE SERVER x FOREIGN DATA WRAPPER y', 'CREATE SERVER is not for templates'],
    ['CREATE FOREIGN TABLE x (a int) SERVER y', 'CREATE FOREIGN is not for templates'],
    ['CREATE LANGUAGE plperl', 'CREATE LANGUAGE is not for templates'],
    ['CREATE CAST (a AS b) WITHOUT FUNCTION', 'CREATE CAST is not for templates'],
    [
      'CREATE OPERATOR CLASS x FOR TYPE int USING btree AS STORAGE int',
      'CREATE OPERATOR is not for templates',
    ],
    ['CREATE OPERATOR === (FUNCTION = f)', 'CREATE OPERATOR is not for templates'],
    ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", 'SECURITY DEFINER'],
    ['ALTER FUNCTION f() SECURITY DEFINER', 'SECURITY DEFINER'],
    ['CREATE TEMP TABLE x (a int)', 'ON COMMIT DROP'],
    ['CREATE TEMP VIEW v AS SELECT 1', 'it belongs to a session'],
    ['SELECT 1 INTO x', 'write CREATE TABLE … AS'],
    ['PREPARE x AS SELECT 1', 'PREPARE is not for templates'],
    ['EXPLAIN SELECT 1', 'EXPLAIN is not for templates: it makes no tables'],
  ])('%s', async (sql, message) => {
    expect(await refusal(sql)).toContain(message);
  });

  test.each([
    'CREATE TABLE shared.x (a int)',
    'CREATE TABLE public.x (a int)',
    'CREATE TABLE x () INHERITS (shared.users)',
    'CREATE TABLE x PARTITION OF shared.y DEFAULT',
    'CREATE TABLE shared.x AS SELECT 1',
    'CREATE INDEX ON shared.users (email)',
    'CREATE FUNCTION shared.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'CREATE VIEW shared.v AS SELECT 1',
    'CREATE TYPE shared.t AS (a int)',
    "CREATE TYPE shared.t AS ENUM ('a')",
    'CREATE SEQUENCE shared.s',
    'CREATE TRIGGER t BEFORE UPDATE ON shared.users FOR EACH ROW EXECUTE FUNCTION f()',
    'CREATE POLICY p ON shared.users USING (true)',
    'ALTER TABLE shared.users ADD COLUMN a int',
    'ALTER TABLE products INHERIT shared.users',
    'ALTER TABLE log ATTACH PARTITION shared.x DEFAULT',
    'ALTER TABLE shared.users RENAME TO x',
    'DROP TABLE a, shared.users',
    'DROP FUNCTION shared.f()',
    'DROP TYPE shared.t',
    'DROP TRIGGER t ON shared.users',
    "COMMENT ON TABLE shared.users IS 'x'",
    "COMMENT ON COLUMN shared.users.email IS 'x'",
    'GRANT SELECT ON shared.users TO PUBLIC',
    'TRUNCATE shared.users',
    'INSERT INTO shared.users DEFAULT VALUES',
    'UPDATE shared.users SET email = NULL',
    'DELETE FROM shared.users',
    'MERGE INTO shared.users u USING x ON true WHEN MATCHED THEN DELETE',
  ])('a change elsewhere: %s', async (sql) => {
    expect(await refusal(sql)).toMatch(/"(shared|public)\..+" names a schema/);
  });
});

describe('a version without a transaction', () => {
  test.each([
    ['CREATE INDEX CONCURRENTLY i ON products (a)', 'create_index', 'i', true],
    ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON products (a)', 'create_index', 'i', true],
    ['DROP INDEX CONCURRENTLY IF EXISTS i', 'drop_index', 'i', true],
    ['ALTER TABLE a DETACH PARTITION b CONCURRENTLY', 'other', null, true],
    ['REINDEX INDEX CONCURRENTLY i', 'other', null, false],
    ['REINDEX (VERBOSE, CONCURRENTLY) TABLE products', 'other', null, false],
    ['VACUUM (ANALYZE) products', 'other', null, false],
    ['ANALYZE products', 'other', null, false],
  ])('may have %s', async (sql, action, index, isDefinition) => {
    expect(judgeOnline(await only(sql))).toEqual({ sql, action, index, isDefinition });
  });

  test.each([
    ['CREATE INDEX CONCURRENTLY ON products (a)', 'the index needs a name'],
    [
      'CREATE INDEX i ON products (a)',
      'without CONCURRENTLY it belongs into a version that runs in a transaction',
    ],
    ['CREATE INDEX CONCURRENTLY i ON shared.users (email)', '"shared.users" names a schema'],
    ['DROP INDEX CONCURRENTLY a, b', 'one index at a time'],
    ['DROP INDEX a', 'without CONCURRENTLY'],
    ['DROP INDEX CONCURRENTLY shared.a', '"shared.a" names a schema'],
    ['REINDEX INDEX i', 'it needs CONCURRENTLY'],
    ['REINDEX SCHEMA CONCURRENTLY shared', 'it may name an index or a table only'],
    ['REINDEX TABLE CONCURRENTLY shared.users', '"shared.users" names a schema'],
    ['VACUUM', 'it needs the name of a table'],
    ['ALTER TABLE a DETACH PARTITION b', 'without CONCURRENTLY'],
    ['ALTER TABLE a ADD COLUMN b int', 'it may have CREATE INDEX CONCURRENTLY'],
    ['CREATE TABLE a (b int)', 'it may have CREATE INDEX CONCURRENTLY'],
    ['COMMIT', 'it may have CREATE INDEX CONCURRENTLY'],
  ])('may not have %s', async (sql, message) => {
    expect(judgeOnline(await only(sql))).toContain(message);
  });
});

test.each([
  ['CREATE INDEX CONCURRENTLY i ON t (a)', 'CREATE INDEX i ON t (a)'],
  ['CREATE INDEX concurrently "concurrently" ON t (a)', 'CREATE INDEX "concurrently" ON t (a)'],
  ['create index /* concurrently */ concurrently i on t (a)', 'create index /* concurrently */ i on t (a)'],
  ['CREATE INDEX -- why\nCONCURRENTLY i ON t (a)', 'CREATE INDEX -- why\ni ON t (a)'],
  [
    "CREATE INDEX CONCURRENTLY i ON t (a) WHERE b = 'concurrently'",
    "CREATE INDEX i ON t (a) WHERE b = 'concurrently'",
  ],
  ['DROP INDEX CONCURRENTLY IF EXISTS i', 'DROP INDEX IF EXISTS i'],
  ['ALTER TABLE "a  b" DETACH PARTITION c CONCURRENTLY', 'ALTER TABLE "a  b" DETACH PARTITION c '],
])('a new schema runs %j without waiting', async (sql, fresh) => {
  expect(await withoutConcurrently(parser, sql)).toBe(fresh);
});

test.each([
  ['SELECT 1;\n\\i other.sql', '\\i is a command of psql, not SQL: leave it out'],
  ['\\connect "x"', '\\connect is a command of psql, not SQL: leave it out'],
  ['COPY a (b) FROM stdin;\n1\n\\.\n', 'the data after COPY … FROM stdin is for psql'],
  ['CREATE tabel', 'syntax error at or near "tabel"'],
])('a syntax error in %j is explained', async (sql, message) => {
  const error = await parser.parse(sql).catch((caught) => caught);

  expect(explainSyntaxError(sql, error)).toContain(message);
});
