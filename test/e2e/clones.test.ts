import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { connect, errorCodeOf, query, withClient } from '../support/sql.js';
import {
  addVersion,
  createTemplate,
  createTenant,
  deleteTenant,
  type NewTenant,
  type Template,
  type TemplateFile,
} from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;

const ISOLATIONS = ['schema', 'database'] as const;

interface Refusal {
  code: string;
  detail: string;
}

async function cloneOf({ id, slug }: NewTenant): Promise<NewTenant> {
  const body = { slug: `clone-of-${slug}`, withData: true };
  return (await api.post<NewTenant>(`/api/tenants/${id}/clone`, body)).expect(201).data;
}

async function refusalOf({ id, slug }: NewTenant): Promise<Refusal> {
  const body = { slug: `clone-of-${slug}`, withData: true };
  const { problem } = (await api.post(`/api/tenants/${id}/clone`, body)).expect(409);
  return problem as unknown as Refusal;
}

function admin<Row extends object>(tenant: NewTenant, sql: string): Promise<Row[]> {
  return adminSession(tenant, async (client) => (await client.query(sql)).rows as Row[]);
}

/** As superuser in the tenant's database, where its names are the tenant's own. */
function adminSession<T>(
  { database_name, schema_name }: NewTenant,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { host, port, adminUser: user, adminPassword: password } = world.config.server;
  const options = { user, password, options: `-c search_path=${schema_name}` };
  return withClient(`postgres://${host}:${port}/${database_name}`, work, options);
}

function templateOf(sql: string): Promise<Template> {
  return createTemplate(world, [{ name: '01.sql', sql }] satisfies TemplateFile[]);
}

/** As a migration does it: template SQL in the sessions that it runs in. */
async function migrate(template: Template, sql: string): Promise<void> {
  await addVersion(world, template, sql);
  (await api.post('/api/migrations', { templateId: template.id })).expect(201);
}

const month = (label: string, from: string, to: string) =>
  `CREATE TABLE e_${label} PARTITION OF e FOR VALUES FROM ('${from} 00:00+00') TO ('${to} 00:00+00');`;

describe.each(ISOLATIONS)('a clone with rows of a tenant with isolation %s', (isolation) => {
  test('has the partitions that policies have made, and as tables those that they have detached', async () => {
    const template = await templateOf(
      `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE places (id int PRIMARY KEY);
       CREATE TABLE e (at timestamptz NOT NULL, place int REFERENCES places, m mood DEFAULT 'good' CHECK (m <> 'bad'),
         twice int GENERATED ALWAYS AS (place * 2) STORED, PRIMARY KEY (at)) PARTITION BY RANGE (at);
       CREATE INDEX e_by_place ON e (place);
       ${month('2024_01', '2024-01-01', '2024-02-01')} ${month('jan', '2024-02-01', '2024-03-01')}
       CREATE TABLE e_rest PARTITION OF e DEFAULT;`,
    );
    const source = await createTenant(world, { isolation, templateId: template.id });
    await query(
      source.connection_string,
      "INSERT INTO places VALUES (7); INSERT INTO e VALUES ('2024-01-05', 7), ('2024-02-05', 7)",
    );
    const policy = {
      templateId: template.id,
      table: 'e',
      interval: 'month',
      premake: 1,
      retentionMonths: 12,
    };
    const { id } = (await api.post<{ id: string }>('/api/partition-policies', policy)).expect(201).data;
    (await api.post(`/api/partition-policies/${id}/run`, {})).expect(200);
    await query(source.connection_string, 'INSERT INTO e VALUES (now(), 7)');
    await migrate(template, 'ALTER TABLE e ADD COLUMN later text');

    const clone = await cloneOf(source);

    for (const sql of ['SELECT * FROM e_2024_01', 'SELECT * FROM e_jan', 'SELECT * FROM e']) {
      const rows = await query(source.connection_string, sql);
      expect(rows).toHaveLength(1);
      expect(await query(clone.connection_string, sql)).toEqual(rows);
    }
    expect(await shapeOf(clone)).toEqual(await shapeOf(source));
    const report = (await api.get<{ summary: object }>(`/api/templates/${template.id}/drift`)).data;
    expect(report.summary).toMatchObject({ tenants: 2, matching: 2 });
    await cloneOf(clone);
  });

  test('has its materialized views filled from its rows, each after those that it reads', async () => {
    const template = await templateOf(
      `CREATE TABLE p (id int); CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM p';
       CREATE MATERIALIZED VIEW z AS SELECT count(*) AS n FROM p;
       CREATE VIEW between AS SELECT n + 1 AS n FROM z;
       CREATE MATERIALIZED VIEW a AS SELECT n + 1 AS n, counted() AS c FROM between;
       CREATE MATERIALIZED VIEW empty AS SELECT n FROM a WITH NO DATA;
       CREATE MATERIALIZED VIEW emptied AS SELECT n FROM a;`,
    );
    const source = await createTenant(world, { isolation, templateId: template.id });
    await query(source.connection_string, 'INSERT INTO p VALUES (1), (2)');
    await migrate(
      template,
      'REFRESH MATERIALIZED VIEW z; REFRESH MATERIALIZED VIEW a; REFRESH MATERIALIZED VIEW emptied WITH NO DATA',
    );

    const clone = await cloneOf(source);

    expect(await query(clone.connection_string, 'SELECT (SELECT n FROM z) AS z, n AS a, c FROM a')).toEqual([
      { z: '2', a: '4', c: '2' },
    ]);
    const unfilled = 'SELECT relname FROM pg_class WHERE NOT relispopulated ORDER BY 1';
    expect(await query(clone.connection_string, unfilled)).toEqual(
      await query(source.connection_string, unfilled),
    );
  });

  test('is its source, attribute by attribute', async () => {
    const template = await templateOf(
      `CREATE SEQUENCE bare; CREATE SEQUENCE fresh START 5; CREATE SEQUENCE down INCREMENT -2;
       CREATE TABLE log (what text);
       CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (TG_NAME); RETURN NULL; END';
       CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''append only''; END';
       CREATE TABLE floors (least int);
       CREATE FUNCTION floor_of() RETURNS int LANGUAGE sql STABLE AS 'SELECT coalesce(max(least), 0) FROM floors';
       CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b_id int, s serial, v text DEFAULT 'x',
         n int CHECK (n >= floor_of()), twice int GENERATED ALWAYS AS (n * 2) STORED);
       CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
       ALTER TABLE a ADD CONSTRAINT a_to_b FOREIGN KEY (b_id) REFERENCES b ON DELETE CASCADE;
       COMMENT ON CONSTRAINT a_to_b ON a IS 'a circle'; COMMENT ON COLUMN a.v IS 'a letter';
       CREATE UNLOGGED TABLE scratch (id int); CREATE TABLE old_one (id int); CREATE TABLE heir (more int) INHERITS (old_one);
       CREATE TRIGGER always AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION note();
       CREATE TRIGGER off AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION note();
       CREATE TRIGGER on_replica AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION note();
       CREATE TRIGGER kept BEFORE TRUNCATE ON a FOR EACH STATEMENT EXECUTE FUNCTION refuse();
       ALTER TABLE a ENABLE ALWAYS TRIGGER always; ALTER TABLE a DISABLE TRIGGER off;
       ALTER TABLE a ENABLE REPLICA TRIGGER on_replica;
       ALTER TABLE b ENABLE ROW LEVEL SECURITY; CREATE POLICY open ON b USING (true);`,
    );
    const source = await createTenant(world, { isolation, templateId: template.id });
    await query(
      source.connection_string,
      `INSERT INTO b VALUES (1, NULL); INSERT INTO a (b_id, n) VALUES (1, 3), (NULL, 4); UPDATE b SET a_id = 1;
       INSERT INTO old_one VALUES (1); INSERT INTO heir VALUES (2, 2); INSERT INTO scratch VALUES (1);
       SELECT nextval('bare'), nextval('down'), nextval('down')`,
    );

    const clone = await cloneOf(source);

    expect(await shapeOf(clone)).toEqual(await shapeOf(source));
    const rows = `SELECT (SELECT json_agg(a ORDER BY id) FROM a)::text AS a, (SELECT json_agg(b) FROM b)::text AS b,
      (SELECT json_agg(l) FROM log l)::text AS log, (SELECT json_agg(o ORDER BY id) FROM old_one o)::text AS old,
      (SELECT json_agg(h) FROM heir h)::text AS heir, (SELECT json_agg(s) FROM scratch s)::text AS scratch`;
    expect(await query(clone.connection_string, rows)).toEqual(await query(source.connection_string, rows));
    const sequences =
      'SELECT sequencename, last_value, start_value, increment_by FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1';
    expect(await query(clone.connection_string, sequences)).toEqual(
      await query(source.connection_string, sequences),
    );
    const next = "SELECT nextval('fresh') AS fresh, nextval('bare') AS bare, nextval('down') AS down";
    expect(await query(clone.connection_string, next)).toEqual([{ fresh: '5', bare: '2', down: '-5' }]);
    const [known] = await admin<{ analyzed: boolean }>(
      clone,
      "SELECT reltuples = 2 AS analyzed FROM pg_class WHERE oid = 'a'::regclass",
    );
    expect(known).toEqual({ analyzed: true });
  });

  test('is the tenant of its rows, and keeps nobody from deleting its source', async () => {
    const template = await templateOf(
      'CREATE TABLE o (id int, tenant_id uuid REFERENCES shared.tenants (id))',
    );
    const source = await createTenant(world, { isolation, templateId: template.id });
    await query(
      source.connection_string,
      'INSERT INTO o SELECT 1, id FROM shared.tenants UNION SELECT 2, NULL',
    );

    const clone = await cloneOf(source);

    expect(await query(clone.connection_string, 'SELECT * FROM o ORDER BY id')).toEqual([
      { id: 1, tenant_id: clone.id },
      { id: 2, tenant_id: null },
    ]);
    await deleteTenant(world, source);
  });

  test('is refused where rows point at users, which stay with the source', async () => {
    const template = await templateOf('CREATE TABLE o (author uuid REFERENCES shared.users (id))');
    const source = await createTenant(world, { isolation, templateId: template.id });
    await cloneOf(source);
    await admin(
      source,
      `INSERT INTO shared.users (tenant_id, email) VALUES ('${source.id}', 'a@example.com');
       INSERT INTO o SELECT id FROM shared.users WHERE tenant_id = '${source.id}'`,
    );

    const { slug } = source;
    const { problem } = (
      await api.post(`/api/tenants/${source.id}/clone`, { slug: `x-${slug}`, withData: true })
    ).expect(409);

    expect(problem).toMatchObject({ code: 'CONFLICT', detail: expect.stringContaining('shared.users') });
  });

  test('is refused by name where its source differs from the template, as the drift report has it', async () => {
    const template = await templateOf('CREATE TABLE p (id int); CREATE TABLE q (id int)');
    const source = await createTenant(world, { isolation, templateId: template.id });
    await admin(
      source,
      `CREATE INDEX by_hand ON ${source.schema_name}.p (id); DROP TABLE ${source.schema_name}.q`,
    );

    const refusal = await refusalOf(source);

    expect(refusal).toMatchObject({ code: 'CONFLICT' });
    const { data } = await api.get<{ tenants: { differences: { object: string }[] }[] }>(
      `/api/templates/${template.id}/drift`,
    );
    const objects = data.tenants.flatMap(({ differences }) => differences.map(({ object }) => object));
    expect(objects).toEqual(['index by_hand', 'table q']);
    for (const object of objects) expect(refusal.detail).toContain(object);
  });
});

/** What the catalogs say of everything in the tenant's schema, without names of schemas and roles. */
async function shapeOf(tenant: NewTenant): Promise<unknown> {
  const { schema_name: schema, username } = tenant;
  const [row] = await admin<{ shape: unknown }>(tenant, SHAPE);
  const text = JSON.stringify(row?.shape, null, 1);
  return text
    .replaceAll(username, '<login>')
    .replaceAll(tenant.database_name, '<database>')
    .replaceAll(`${schema}.`, '<schema>.')
    .split('\n');
}

const SHAPE = `
  SELECT json_agg(to_json(x) ORDER BY x.name) AS shape FROM (
    SELECT c.relname AS name, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
      c.relreplident, c.relispopulated, pg_get_expr(c.relpartbound, c.oid) AS bound, c.relacl::text[] AS acl,
      pg_get_userbyid(c.relowner) AS owner,
      (SELECT json_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                a.attgenerated, a.attstattarget, a.attstorage, a.attcompression, a.attoptions, a.attacl,
                pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)) ORDER BY a.attnum)
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
      (SELECT json_agg(concat_ws(' ', o.conname, pg_get_constraintdef(o.oid), o.convalidated,
                obj_description(o.oid, 'pg_constraint')) ORDER BY o.conname)
       FROM pg_constraint o WHERE o.conrelid = c.oid) AS constraints,
      (SELECT json_agg(concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisreplident, i.indisclustered)
                ORDER BY i.indexrelid::regclass::text) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
      (SELECT json_agg(concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled) ORDER BY t.tgname)
       FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) AS triggers,
      (SELECT json_agg(concat_ws(' ', p.polname, pg_get_expr(p.polqual, p.polrelid)) ORDER BY p.polname)
       FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
      obj_description(c.oid, 'pg_class') AS comment
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
  ) AS x`;

test('a clone has the rows of a partition whose detaching was interrupted, beside its table', async () => {
  const template = await templateOf(
    `CREATE TABLE e (at timestamptz PRIMARY KEY) PARTITION BY RANGE (at);
     ${month('2024_01', '2024-01-01', '2024-02-01')} ${month('2024_02', '2024-02-01', '2024-03-01')}`,
  );
  const source = await createTenant(world, { templateId: template.id });
  await query(source.connection_string, "INSERT INTO e VALUES ('2024-01-05'), ('2024-02-05')");
  const reader = await connect(source.connection_string);
  await reader.query('BEGIN; SELECT FROM e');
  const detach = async (client: Client) => {
    await client.query("SET lock_timeout = '100ms'");
    await client.query('ALTER TABLE e DETACH PARTITION e_2024_01 CONCURRENTLY');
  };
  expect(await errorCodeOf(adminSession(source, detach))).toBe('55P03');
  await reader.end();

  const clone = await cloneOf(source);

  for (const table of ['e', 'e_2024_01']) {
    const rows = await query(source.connection_string, `SELECT * FROM ${table}`);
    expect(rows).toHaveLength(1);
    expect(await query(clone.connection_string, `SELECT * FROM ${table}`)).toEqual(rows);
  }
});

describe('a tenant with a database of its own', () => {
  test.each([
    ['a sequence', 'CREATE SEQUENCE public.mine', 'the sequence "mine"'],
    ['a view', 'CREATE VIEW mine AS SELECT 1', 'the view "mine"'],
    ['a type', "CREATE TYPE mine AS ENUM ('a')", 'the type "mine"'],
    ['a domain', 'CREATE DOMAIN mine AS int', 'the type "mine"'],
    ['a function', "CREATE FUNCTION mine(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", 'mine(integer)'],
    [
      'a table in another schema',
      'CREATE SCHEMA app; CREATE TABLE app.mine (id serial)',
      'the table "app"."mine"',
    ],
    ['a large object', 'SELECT lo_create(4711)', 'the large object 4711'],
    ['a table with the name of a partition', 'CREATE TABLE e_2024_01 (id int)', 'the table "e_2024_01"'],
  ])(
    'that has %s of its own is no source of a clone with rows, and is told it at once',
    async (_, sql, named) => {
      const template = await templateOf('CREATE TABLE e (at timestamptz NOT NULL) PARTITION BY RANGE (at)');
      const source = await createTenant(world, { isolation: 'database', templateId: template.id });
      await query(source.connection_string, sql);
      const databases = async () => (await api.get<unknown[]>('/api/databases?limit=200')).data.length;
      const before = await databases();

      const refusal = await refusalOf(source);

      expect(refusal).toMatchObject({ code: 'CONFLICT', detail: expect.stringContaining(named) });
      expect(await databases()).toBe(before);
      const body = { slug: `without-rows-${source.slug}` };
      (await api.post(`/api/tenants/${source.id}/clone`, body)).expect(201);
    },
  );

  test('and extensions is cloned with them', async () => {
    const template = await templateOf('CREATE TABLE people (email citext UNIQUE)');
    const source = await createTenant(world, {
      isolation: 'database',
      templateId: template.id,
      extensions: ['citext'],
    });
    await query(source.connection_string, "CREATE EXTENSION pg_trgm; INSERT INTO people VALUES ('A@x')");

    const clone = await cloneOf(source);

    expect(await query(clone.connection_string, "SELECT email FROM people WHERE email = 'a@X'")).toHaveLength(
      1,
    );
    expect(await query(clone.connection_string, "SELECT similarity('a', 'a')")).toHaveLength(1);
  });

  test('whose tables were given to another role is refused by their names', async () => {
    const template = await templateOf('CREATE TABLE p (id int)');
    const source = await createTenant(world, { isolation: 'database', templateId: template.id });
    await admin(source, `ALTER TABLE p OWNER TO ${source.username}`);

    expect(await refusalOf(source)).toMatchObject({ detail: expect.stringContaining('the table "p"') });
  });
});

test('a table whose policies hide rows from its owner too is a conflict that names it', async () => {
  const template = await templateOf('CREATE TABLE p (id int); ALTER TABLE p ENABLE ROW LEVEL SECURITY');
  const source = await createTenant(world, { templateId: template.id });
  await migrate(template, 'ALTER TABLE p FORCE ROW LEVEL SECURITY');

  expect(await refusalOf(source)).toMatchObject({ code: 'CONFLICT', detail: expect.stringContaining('"p"') });
});
