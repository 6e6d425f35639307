import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SqlParser } from '../../src/infra/sql-parser/sql-parser.js';
import type {
  OnlineStatement,
  TemplateFile,
  TemplateVersion,
} from '../../src/provisioning/tenancy/templates/template-store.js';
import { VersionFailed } from '../../src/provisioning/tenancy/versions/version-failure.js';
import type { VersionOrder } from '../../src/provisioning/tenancy/versions/version-order.js';
import { VersionRunner } from '../../src/provisioning/tenancy/versions/version-runner.js';
import { until } from '../support/until.js';
import { type HostingDatabase, nextTenantName, startHosting, type TenantName } from './hosting-database.js';

const createHost = await startHosting();
const parser = new SqlParser();
const runner = new VersionRunner(parser);
afterAll(() => parser.onApplicationShutdown());

const TEMPLATE = randomUUID();
let host: HostingDatabase;
beforeAll(async () => {
  host = await createHost();
});

function file(sql: string, name = '001.sql'): TemplateFile {
  return { name, kind: 'schema', sql };
}

function version(number: number, ...files: TemplateFile[]): TemplateVersion {
  const checksum = `checksum ${number}`;
  return {
    templateId: TEMPLATE,
    number,
    checksum,
    transactional: true,
    files,
    freshFiles: files,
    statements: [],
    extensions: [],
  };
}

function online(number: number, ...statements: OnlineStatement[]): TemplateVersion {
  const made = version(number, file(statements.map(({ sql }) => `${sql};`).join('\n')));
  return { ...made, transactional: false, statements };
}

const PRODUCTS = version(1, file('CREATE TABLE products (id int PRIMARY KEY, sku text)'));
const BY_SKU: OnlineStatement = {
  sql: 'CREATE INDEX CONCURRENTLY products_by_sku ON products (sku)',
  action: 'create_index',
  index: 'products_by_sku',
};

/** An empty schema at version 1, which has the table `products`. */
async function createTenant(): Promise<TenantName> {
  const name = nextTenantName();
  await host.createTenantRole(name);
  await host.query('provisioner', 'SELECT shared.provision_tenant_schema($1, $2, NULL, 0)', [
    randomUUID(),
    name,
  ]);
  await apply(name, PRODUCTS);
  return name;
}

type Limits = Partial<Pick<VersionOrder, 'schemaOid' | 'lockTimeoutMs' | 'statementTimeoutMs'>>;

async function apply(name: string, wanted: TemplateVersion, limits: Limits = {}): Promise<string> {
  return applyOn(await host.connect('provisioner'), name, { wanted, limits });
}

function applyOn(
  client: Client,
  schemaName: string,
  { wanted, limits = {} }: { wanted: TemplateVersion; limits?: Limits },
): Promise<string> {
  const order = {
    schemaName,
    schemaOid: null,
    version: wanted,
    lockTimeoutMs: 1_000,
    statementTimeoutMs: 5_000,
  };
  return runner.apply(client, { ...order, ...limits });
}

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VersionFailed)) throw new Error('expected a VersionFailed', { cause: error });
  return error.problem;
}

async function ledger(name: string): Promise<string[]> {
  const rows = await host.query(
    'superuser',
    'SELECT version, state, statements_done AS done FROM shared.schema_versions WHERE schema_name = $1 ORDER BY version',
    [name],
  );
  return rows.map((row) => `${row.version} ${row.state} ${row.done}`);
}

async function columns(name: string): Promise<unknown[]> {
  const rows = await host.query(
    'superuser',
    'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = $1 ORDER BY 1',
    [name],
  );
  return rows.map((row) => row.name);
}

async function relations(name: string): Promise<unknown[]> {
  const rows = await host.query(
    'superuser',
    `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = to_regnamespace($1) ORDER BY 1`,
    [name],
  );
  return rows.map((row) => row.name);
}

async function oidOf(name: string): Promise<number> {
  const [row] = await host.query('superuser', 'SELECT oid FROM pg_namespace WHERE nspname = $1', [name]);
  return Number(row?.oid);
}

describe('a version in one transaction', () => {
  test('is applied once, together with its ledger row', async () => {
    const name = await createTenant();
    const wanted = version(
      2,
      file('ALTER TABLE products ADD COLUMN price int -- no semicolon'),
      file("INSERT INTO products VALUES (1, 'é')", '002.sql'),
    );

    expect(await apply(name, wanted, { schemaOid: await oidOf(name) })).toBe('applied');
    expect(await apply(name, wanted)).toBe('already');

    expect(await columns(name)).toEqual(['id', 'price', 'sku']);
    expect(await ledger(name)).toEqual(['1 applied 0', '2 applied 0']);
  });

  test('leaves nothing when one of its statements fails, and names its place', async () => {
    const name = await createTenant();
    const wanted = version(
      2,
      file('CREATE TABLE fine ();', 'fine.sql'),
      file('-- ünï\nALTER TABLE products ADD price int;\n\nALTER TABLE nothing ADD x int;', 'broken.sql'),
    );

    expect(await failure(apply(name, wanted))).toMatchObject({
      sqlstate: '42P01',
      message: 'relation "nothing" does not exist',
      version: 2,
      file: 'broken.sql',
      line: 4,
    });

    expect(await columns(name)).toEqual(['id', 'sku']);
    expect(await ledger(name)).toEqual(['1 applied 0']);
  });

  test('names the place of a syntax error and of an error inside a block', async () => {
    const name = await createTenant();

    expect(await failure(apply(name, version(2, file('SELECT 1;\nSELEC 2;'))))).toMatchObject({
      sqlstate: '42601',
      line: 2,
    });
    const block = "SELECT 1;\n\n/* a */ DO $$ BEGIN\n  RAISE EXCEPTION 'no' USING HINT = 'try'; END $$;";
    expect(await failure(apply(name, version(2, file(block))))).toMatchObject({
      sqlstate: 'P0001',
      hint: 'try',
      line: 3,
    });
  });

  test('names the statement that the rows of a tenant do not allow', async () => {
    const name = await createTenant();
    await host.query('provisioner', `INSERT INTO ${name}.products VALUES (1, 'a'), (2, 'a')`);
    const wanted = version(
      2,
      file('SELECT 1;\nALTER TABLE products\n  ADD CONSTRAINT one_sku UNIQUE (sku);'),
    );

    expect(await failure(apply(name, wanted))).toMatchObject({
      sqlstate: '23505',
      detail: 'Key (sku)=(a) is duplicated.',
      file: '001.sql',
      line: 2,
    });
  });

  test('gives up a table that somebody holds, within lock_timeout', async () => {
    const name = await createTenant();
    const other = await host.connect('superuser');
    await other.query(`BEGIN; LOCK TABLE ${name}.products IN ACCESS SHARE MODE`);
    const wanted = version(2, file('ALTER TABLE products ADD price int'));

    expect(await failure(apply(name, wanted, { lockTimeoutMs: 100 }))).toMatchObject({ sqlstate: '55P03' });

    await other.query('COMMIT');
    expect(await apply(name, wanted)).toBe('applied');
  });

  test('refuses a schema that has another version of this number', async () => {
    const name = await createTenant();
    await apply(name, version(2, file('CREATE TABLE a ()')));

    const problem = await failure(
      apply(name, { ...version(2, file('CREATE TABLE b ()')), checksum: 'other' }),
    );

    expect(problem.message).toContain('has another version 2 already');
    expect(await relations(name)).not.toContain('b');
  });

  test('leaves a session in which the next tenant meets nothing of it', async () => {
    const [first, second] = [await createTenant(), await createTenant()];
    const client = await host.connect('provisioner');
    const wanted = version(
      2,
      file(`SET search_path = pg_catalog; SET statement_timeout = '7min'; CREATE TEMP TABLE t (); PREPARE p AS SELECT 1;
            SET search_path = ${first}`),
    );

    await applyOn(client, first, { wanted });
    const { rows } = await client.query(`SELECT current_setting('statement_timeout') AS timeout,
      current_setting('search_path') AS path, to_regclass('pg_temp.t') AS temporary`);
    await applyOn(client, second, { wanted });

    expect(rows).toEqual([{ timeout: '0', path: '"$user", public', temporary: null }]);
    expect(await ledger(second)).toEqual(['1 applied 0', '2 applied 0']);
  });

  test('leaves nothing behind that a trigger set, where its own words are plain', async () => {
    const name = await createTenant();
    const client = await host.connect('provisioner');
    const setting = "PERFORM set_config('statement_timeout', '7000', false)";
    const trigger = `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${setting}; RETURN NEW; END $$;
      CREATE TRIGGER touch BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION touch();
      INSERT INTO products VALUES (1, 'apple')`;
    await applyOn(client, name, { wanted: version(2, file(trigger)) });

    await applyOn(client, name, { wanted: version(3, file('UPDATE products SET id = id')) });

    const { rows } = await client.query('SHOW statement_timeout');
    expect(rows).toEqual([{ statement_timeout: '0' }]);
  });

  test('is on disk once it is flushed', async () => {
    const name = await createTenant();
    await host.query('superuser', "ALTER SYSTEM SET wal_writer_delay = '10s'");
    await host.query('superuser', 'SELECT pg_reload_conf()');
    const client = await host.connect('provisioner');

    await applyOn(client, name, { wanted: version(2, file('CREATE TABLE brands (id int)')) });
    const [before] = await host.query('superuser', 'SELECT pg_current_wal_insert_lsn() AS lsn');
    await runner.flush(client);

    const flushed = 'SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS done';
    expect(await host.query('superuser', flushed, [before?.lsn])).toEqual([{ done: true }]);
  });

  test('runs once when two do it at the same time', async () => {
    const name = await createTenant();
    const wanted = version(2, file('SELECT pg_sleep(0.2); ALTER TABLE products ADD price int'));

    const outcomes = await Promise.all([apply(name, wanted), apply(name, wanted)]);

    expect(outcomes.sort()).toEqual(['already', 'applied']);
  });
});

describe('a schema that is not where it should be', () => {
  const wanted = version(2, file('CREATE TABLE stray ()'));

  test('because it was dropped fails by name, and nothing lands in shared', async () => {
    const name = await createTenant();
    const schemaOid = await oidOf(name);
    await host.query('superuser', `DROP SCHEMA ${name} CASCADE`);

    const problem = await failure(apply(name, wanted, { schemaOid }));

    expect(problem).toMatchObject({ sqlstate: null, message: `The schema "${name}" was dropped by hand.` });
    expect(await relations('shared')).not.toContain('stray');
  });

  test('because it was renamed fails with its new name', async () => {
    const name = await createTenant();
    const schemaOid = await oidOf(name);
    await host.query('superuser', `ALTER SCHEMA ${name} RENAME TO elsewhere`);

    const problem = await failure(apply(name, wanted, { schemaOid }));

    expect(problem.message).toBe(`The schema "${name}" was renamed to "elsewhere" by hand.`);
    expect(problem.hint).toContain(`ALTER SCHEMA "elsewhere" RENAME TO "${name}"`);
  });

  test('because another one has its name fails and leaves that one alone', async () => {
    const name = await createTenant();
    const schemaOid = await oidOf(name);
    await host.query('superuser', `ALTER SCHEMA ${name} RENAME TO ${name}_old; CREATE SCHEMA ${name}`);

    const problem = await failure(apply(name, wanted, { schemaOid }));

    expect(problem.message).toContain('is not the one that Rowhouse made');
    expect(await relations(name)).toEqual([]);
  });
});

describe('a version statement by statement', () => {
  const DROP: OnlineStatement = {
    sql: 'DROP INDEX CONCURRENTLY products_by_sku',
    action: 'drop_index',
    index: 'products_by_sku',
  };

  /** As if a process had died behind so many statements. */
  async function interrupt(name: string, done: number): Promise<void> {
    await host.query(
      'superuser',
      `INSERT INTO shared.schema_versions VALUES ($1, $2, 2, 'checksum 2', 'applying', $3)`,
      [name, TEMPLATE, done],
    );
  }

  async function isValid(name: string, index = 'products_by_sku'): Promise<unknown> {
    const [row] = await host.query(
      'superuser',
      `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('${name}.${index}')`,
    );
    return row?.valid;
  }

  async function makeInvalid(name: string): Promise<void> {
    await host.query('provisioner', `CREATE INDEX products_by_sku ON ${name}.products (id)`);
    await host.query(
      'superuser',
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${name}.products_by_sku'::regclass`,
    );
  }

  test('is applied once and counted', async () => {
    const name = await createTenant();
    const wanted = online(2, BY_SKU, { sql: 'ANALYZE products', action: 'other', index: null });
    const client = await host.connect('provisioner');

    expect(await applyOn(client, name, { wanted })).toBe('applied');
    expect(await applyOn(client, name, { wanted })).toBe('already');

    expect(await isValid(name)).toBe(true);
    expect(await ledger(name)).toEqual(['1 applied 0', '2 applied 2']);
    const { rows } = await client.query('SHOW search_path');
    expect(rows).toEqual([{ search_path: '"$user", public' }]);
  });

  test('goes on behind an index that was made but not counted', async () => {
    const name = await createTenant();
    await host.query('provisioner', BY_SKU.sql.replace('ON products', `ON ${name}.products`));
    await interrupt(name, 0);

    expect(await apply(name, online(2, BY_SKU))).toBe('applied');

    expect(await isValid(name)).toBe(true);
    expect(await ledger(name)).toEqual(['1 applied 0', '2 applied 1']);
  });

  test('makes an index again that was not finished', async () => {
    const name = await createTenant();
    await makeInvalid(name);
    await interrupt(name, 0);

    await apply(name, online(2, BY_SKU));

    const [row] = await host.query(
      'superuser',
      `SELECT pg_get_indexdef('${name}.products_by_sku'::regclass) AS def`,
    );
    expect(await isValid(name)).toBe(true);
    expect(row?.def).toContain('(sku)');
  });

  test('takes over the index of a builder that outlived its client', async () => {
    const name = await createTenant();
    const [reader, builder] = [await host.connect('superuser'), await host.connect('provisioner')];
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    const built = builder.query(BY_SKU.sql.replace('ON products', `ON ${name}.products`));
    await until('the index is there, unfinished', async () => (await isValid(name)) === false);
    const [before] = await host.query('superuser', `SELECT '${name}.products_by_sku'::regclass::oid AS oid`);
    await interrupt(name, 0);

    const applied = apply(name, online(2, BY_SKU), { lockTimeoutMs: 5_000 });
    await until('it waits for the builder', async () => {
      const waiting = await host.query(
        'superuser',
        "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'ShareUpdateExclusiveLock'",
      );
      return waiting.length > 0;
    });
    await reader.query('COMMIT');

    expect(await applied).toBe('applied');
    await built;
    const [after] = await host.query('superuser', `SELECT '${name}.products_by_sku'::regclass::oid AS oid`);
    expect(after).toEqual(before);
    expect(await isValid(name)).toBe(true);
  });

  test('goes on behind an index that was dropped but not counted', async () => {
    const name = await createTenant();
    await interrupt(name, 0);

    expect(await apply(name, online(2, DROP))).toBe('applied');
  });

  test('can be tried again when the rows were mended', async () => {
    const name = await createTenant();
    await host.query('provisioner', `INSERT INTO ${name}.products VALUES (1, 'a'), (2, 'a')`);
    const unique = { ...BY_SKU, sql: 'CREATE UNIQUE INDEX CONCURRENTLY products_by_sku ON products (sku)' };
    const wanted = online(2, { sql: 'ANALYZE products', action: 'other', index: null }, unique);

    expect(await failure(apply(name, wanted))).toMatchObject({ sqlstate: '23505', version: 2, line: 2 });
    expect(await isValid(name)).toBe(false);
    await host.query('provisioner', `DELETE FROM ${name}.products WHERE id = 2`);

    expect(await apply(name, wanted)).toBe('applied');
    expect(await isValid(name)).toBe(true);
  });

  test.each(['not begun', 'pending', 'done'])('detaches a partition whose detach was %s', async (state) => {
    const name = await createTenant();
    await host.query(
      'provisioner',
      `CREATE TABLE ${name}.log (at int) PARTITION BY RANGE (at);
       CREATE TABLE ${name}.log_1 PARTITION OF ${name}.log FOR VALUES FROM (1) TO (2)`,
    );
    await interrupt(name, 0);
    if (state === 'done')
      await host.query('provisioner', `ALTER TABLE ${name}.log DETACH PARTITION ${name}.log_1`);
    if (state === 'pending') {
      await host.query(
        'superuser',
        `UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = '${name}.log_1'::regclass`,
      );
    }
    const detach = 'ALTER TABLE log DETACH PARTITION log_1 CONCURRENTLY';

    expect(await apply(name, online(2, { sql: detach, action: 'other', index: null }))).toBe('applied');

    const [row] = await host.query(
      'superuser',
      `SELECT relispartition AS attached FROM pg_class WHERE oid = '${name}.log_1'::regclass`,
    );
    expect(row?.attached).toBe(false);
  });

  test('stops between two statements when it is told to, and goes on later', async () => {
    const name = await createTenant();
    const client = await host.connect('provisioner');
    const wanted = online(2, BY_SKU, { ...DROP, sql: 'DROP INDEX CONCURRENTLY products_by_sku' });
    const abort = new AbortController();
    const order = {
      schemaName: name,
      schemaOid: null,
      version: wanted,
      lockTimeoutMs: 0,
      statementTimeoutMs: 0,
    };
    const run = runner.apply(client, order, abort.signal);
    abort.abort(new Error('stop'));

    await expect(run).rejects.toThrow('stop');
    expect(await apply(name, wanted)).toBe('applied');
    expect(await isValid(name)).toBeUndefined();
  });
});
