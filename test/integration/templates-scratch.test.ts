import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import { HostConnections } from '../../src/provisioning/tenancy/hosts/host-connections.js';
import { readCatalog } from '../../src/provisioning/tenancy/templates/schema-catalog.js';
import { compareCatalogs } from '../../src/provisioning/tenancy/templates/schema-difference.js';
import {
  ScratchBuildFailed,
  ScratchDatabase,
} from '../../src/provisioning/tenancy/templates/scratch-database.js';
import { scratchSchemaName } from '../../src/provisioning/tenancy/templates/scratch-names.js';
import type { TemplateFile } from '../../src/provisioning/tenancy/templates/template-store.js';
import { posFiles } from '../support/tenancy.js';
import { startAnotherProcess, startProvisioning } from './provisioning-fixture.js';

const DATABASE = 'rowhouse_scratch';
const fixture = await startProvisioning();
const scratch = fixture.context.get(ScratchDatabase);
const connections = fixture.context.get(HostConnections);

function version(...texts: string[]) {
  const freshFiles = texts.map((sql, at): TemplateFile => ({ name: `${at + 1}.sql`, kind: 'schema', sql }));
  return { number: 1, freshFiles };
}

async function scratchSchemas(): Promise<string[]> {
  const rows = await fixture.admin(
    "SELECT nspname AS name FROM pg_namespace WHERE nspname ~ '^scratch_'",
    DATABASE,
  );
  return rows.map(({ name }) => String(name));
}

describe('a scratch schema', () => {
  test('has what the versions make, with seeds, and is gone afterwards', async () => {
    const versions = [
      version('CREATE TABLE a (b int)'),
      { ...version('INSERT INTO a VALUES (7)'), number: 2 },
    ];

    const { rows, name } = await scratch.withFreshSchema(
      fixture.server,
      versions,
      async (client, schema) => ({
        rows: (await client.query(`SELECT b FROM ${schema.sql}.a`)).rows,
        name: schema.value,
      }),
    );

    expect(rows).toEqual([{ b: 7 }]);
    expect(await scratchSchemas()).not.toContain(name);
  });

  test('names the version and the file that do not run, and is gone too', async () => {
    const versions = [
      version('CREATE TABLE a (b int)'),
      { ...version('SELECT 1', 'SELECT * FROM c'), number: 2 },
    ];

    const failure = await scratch
      .withFreshSchema(fixture.server, versions, async () => {})
      .catch((error) => error);

    expect(failure).toBeInstanceOf(ScratchBuildFailed);
    expect(failure).toMatchObject({ version: 2, file: '2.sql', code: 'SQL_ERROR' });
    expect(await scratchSchemas()).toEqual([]);
  });

  test('is gone when the work in it fails, and when its session dies', async () => {
    const fail = () => Promise.reject(new Error('no'));
    await expect(scratch.withFreshSchema(fixture.server, [], fail)).rejects.toThrow('no');
    const die = scratch.withFreshSchema(fixture.server, [], (client) =>
      client.query('SELECT pg_terminate_backend(pg_backend_pid())'),
    );
    await expect(die).rejects.toThrow();

    expect(await scratchSchemas()).toEqual([]);
  });

  test('that a crash left behind is swept when it is old, a young one is not', async () => {
    const old = scratchSchemaName(new Date(Date.now() - 2 * 3_600_000));
    const young = scratchSchemaName(new Date(Date.now() - 60_000));
    await connections.use(fixture.server, DATABASE, (client) =>
      client.query(`CREATE SCHEMA ${old.sql}; CREATE TABLE ${old.sql}.t (a int); CREATE SCHEMA ${young.sql}`),
    );

    await scratch.withFreshSchema(fixture.server, [], async () => {});

    expect(await scratchSchemas()).toEqual([young.value]);
    await fixture.admin(`DROP SCHEMA ${young.sql}`, DATABASE);
  });

  test('comes with the extensions that hosts may have, under the names that they have there', async () => {
    const files = version(
      "CREATE TABLE a (b public.citext UNIQUE, c public.hstore); SELECT public.digest('', 'md5')",
    );

    await expect(scratch.withFreshSchema(fixture.server, [files], async () => 'made')).resolves.toBe('made');
  });
});

test('the scratch database is closed to everybody but its own roles', async () => {
  const home = await fixture.make();

  expect(await fixture.canLogIn('direct', home, { database: DATABASE })).toBe(false);
  expect(await fixture.canLogIn('pooled', home, { database: DATABASE })).toBe(false);
  const [row] = await fixture.admin(`SELECT pg_get_userbyid(datdba) AS owner,
    has_database_privilege('public', oid, 'CONNECT') AS open FROM pg_database WHERE datname = '${DATABASE}'`);
  expect(row).toEqual({ owner: fixture.config.server.adminUser, open: false });
});

test('reconciliation knows the scratch database and its roles', async () => {
  const { findings } = await fixture.reconciler.report(fixture.server);

  expect(findings.filter(({ name }) => name.startsWith(DATABASE))).toEqual([]);
});

test('several processes that need it first at once make it once', async () => {
  await fixture.admin(`DROP DATABASE ${DATABASE} WITH (FORCE)`);
  const others = await Promise.all([1, 2].map(() => startAnotherProcess(fixture.config)));

  const made = await Promise.all(
    others.map((other) =>
      other.get(ScratchDatabase).withFreshSchema(fixture.server, [version('SELECT 1')], async () => 'made'),
    ),
  );

  expect(made).toEqual(['made', 'made']);
  await Promise.all(others.map((other) => other.close()));
});

test('a scratch database that somebody dropped is made again', async () => {
  await fixture.admin(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  const run = () => scratch.withFreshSchema(fixture.server, [], async () => 'made');

  const first = await run().catch(() => 'failed');
  const again = await run();

  expect([first, again]).toContain('made');
});

describe('hostile SQL in a template', () => {
  const run = (body: string) =>
    scratch
      .withFreshSchema(
        fixture.server,
        [version(`DO $hostile$ BEGIN ${body} END $hostile$`)],
        async () => 'done',
      )
      .catch((error: ScratchBuildFailed) =>
        error.cause instanceof DatabaseError ? error.cause.code : error,
      );

  test.each([
    ['leaves its role', 'RESET ROLE; RESET SESSION AUTHORIZATION; CREATE ROLE evil SUPERUSER;'],
    ['becomes the administrator', 'SET ROLE postgres;'],
    ['runs a program', "CREATE TEMP TABLE t (a text) ON COMMIT DROP; COPY t FROM PROGRAM 'id';"],
    ['writes a file', "COPY (SELECT 1) TO '/tmp/evil';"],
    ['reads a file', "PERFORM pg_read_file('/etc/passwd');"],
    ['reads passwords', 'PERFORM rolpassword FROM pg_catalog.pg_authid;'],
    ['imports a file', "PERFORM lo_import('/etc/passwd');"],
    ['loads code', "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system';"],
    ['changes the database', `ALTER DATABASE ${DATABASE} SET work_mem = '1GB';`],
    ['changes another role', 'ALTER ROLE postgres SET work_mem = 1000;'],
    ['makes things in public', 'CREATE TABLE public.evil (a int);'],
    ['drops an extension', 'DROP EXTENSION citext;'],
    ['ends the transaction', 'COMMIT;'],
  ])('%s in vain', async (_, body) => {
    // Without privilege (42501), or no transaction control in a function (2D000).
    expect(['42501', '2D000']).toContain(await run(body));
  });

  test('does not see who else is on the server', async () => {
    const names = await connections.use(fixture.server, DATABASE, async (client) => {
      const { rows } = await client.query(
        "SELECT usename FROM pg_stat_activity WHERE query <> '' AND usename <> session_user AND query !~ 'insufficient privilege'",
      );
      return rows;
    });

    expect(names).toEqual([]);
  });
});

describe('a catalog', () => {
  test('of the point-of-sale template is the same in every schema', async () => {
    const files = {
      number: 1,
      freshFiles: posFiles().map((file): TemplateFile => ({ ...file, kind: 'schema' })),
    };
    const read = () =>
      scratch.withFreshSchema(fixture.server, [files], (client, schema) => readCatalog(client, schema.value));

    const [one, other] = [await read(), await read()];

    expect(one.filter(({ object }) => object.startsWith('table '))).toHaveLength(51);
    expect(JSON.stringify(one)).not.toContain('scratch_');
    expect(other).toEqual(one);
  });

  test('tells objects of every kind, and what became of them', async () => {
    const before = `
      CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "a b" text DEFAULT 'x', n numeric(10,2));
      CREATE TABLE parts (at timestamptz NOT NULL) PARTITION BY RANGE (at);
      CREATE INDEX plain_n ON plain (n);
      CREATE SEQUENCE numbers;
      CREATE VIEW seen AS SELECT "a b" FROM plain;
      CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
      CREATE TYPE colour AS ENUM ('red', 'green');
      CREATE DOMAIN positive AS int CHECK (VALUE > 0);
      CREATE TYPE pair AS (a int, b int);
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER touched BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION touch();
      CREATE POLICY mine ON plain USING (id > 0);
      CREATE RULE quiet AS ON DELETE TO plain DO INSTEAD NOTHING;
      CREATE STATISTICS stats ON id, "a b" FROM plain;`;
    const changes = `
      ALTER TABLE plain ALTER "a b" SET NOT NULL, ALTER n TYPE numeric(12,2), ENABLE ROW LEVEL SECURITY,
        DISABLE TRIGGER touched, ADD CONSTRAINT small CHECK (n < 10) NOT VALID;
      DROP INDEX plain_n;
      ALTER SEQUENCE numbers INCREMENT 2;
      CREATE OR REPLACE VIEW seen AS SELECT "a b" FROM plain WHERE id > 0;
      DROP MATERIALIZED VIEW kept;
      ALTER TYPE colour ADD VALUE 'blue';
      ALTER DOMAIN positive SET NOT NULL;
      ALTER TYPE pair ADD ATTRIBUTE c int;
      CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      ALTER POLICY mine ON plain USING (id > 1);
      DROP RULE quiet ON plain;
      DROP STATISTICS stats;`;
    const read = (...texts: string[]) =>
      scratch.withFreshSchema(fixture.server, [version(...texts)], (client, schema) =>
        readCatalog(client, schema.value),
      );

    const found = compareCatalogs(await read(before), await read(before, changes));

    expect(found.map(({ object, kind }) => `${object}: ${kind}`)).toEqual([
      'column pair.c: unexpected',
      'column plain."a b": changed',
      'column plain.n: changed',
      'constraint small on plain: unexpected',
      'domain positive: changed',
      'function touch(): changed',
      'index plain_n: missing',
      'materialized view kept: missing',
      'policy mine on plain: changed',
      'rule quiet on plain: missing',
      'sequence numbers: changed',
      'statistics stats: missing',
      'table plain: changed',
      'trigger touched on plain: changed',
      'type colour: changed',
      'view seen: changed',
    ]);
  });

  test('leaves out partitions, present and detached ones', async () => {
    const table =
      'CREATE TABLE parts (at timestamptz NOT NULL) PARTITION BY RANGE (at); CREATE INDEX ON parts (at);';
    const partition = `
      CREATE TABLE parts_2026_01 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE parts_2026_02 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      ALTER TABLE parts DETACH PARTITION parts_2026_02;`;
    const read = (...texts: string[]) =>
      scratch.withFreshSchema(fixture.server, [version(...texts)], (client, schema) =>
        readCatalog(client, schema.value),
      );

    expect(await read(table, partition)).toEqual(await read(table));
  });
});
