import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type HostingDatabase, startHosting, type TenantName } from './hosting-database.js';
import { PartitionsFixture } from './partitions-fixture.js';
import { startProvisioning } from './provisioning-fixture.js';

const provisioning = await startProvisioning({ TENANT_WARM_POOL_SIZE: '0' });
const fixture = await PartitionsFixture.start(provisioning);
const makeHost = await startHosting();

/** What the catalogs say of a table beyond its columns, constraints and indexes. */
const TRAITS = `
  SELECT c.relpersistence, c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.reltablespace,
    (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid) AS toast,
    (SELECT json_agg(a ORDER BY a) FROM unnest(c.relacl::text[]) a) AS acl,
    (SELECT json_agg(concat_ws(' ', a.attname, a.attnotnull, a.attstattarget, a.attoptions, a.attstorage,
              a.attcompression, a.attacl, pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attname)
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
    (SELECT json_agg(concat_ws(' ', o.contype, pg_get_constraintdef(o.oid)) ORDER BY o.contype, o.conname)
     FROM pg_constraint o WHERE o.conrelid = c.oid) AS constraints,
    (SELECT json_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid)) ORDER BY p.polname)
     FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
    (SELECT json_agg(concat_ws(' ', s.stxkind, pg_get_statisticsobjdef_columns(s.oid)) ORDER BY s.stxname)
     FROM pg_statistic_ext s WHERE s.stxrelid = c.oid) AS statistics,
    (SELECT json_agg(concat_ws(' ', i.indkey, i.indisunique, i.indisreplident, i.indisclustered) ORDER BY i.indkey::text)
     FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
    (SELECT json_agg(concat_ws(' ', t.tgname, t.tgenabled, t.tgtype) ORDER BY t.tgname)
     FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname !~ '^RI_') AS triggers
  FROM pg_class c WHERE c.oid = $1::regclass`;

const LEDGER = `
  CREATE TABLE ledger (at timestamptz NOT NULL, v text DEFAULT 'x' CHECK (v <> ''), w text, PRIMARY KEY (at))
    PARTITION BY RANGE (at);
  CREATE INDEX ledger_by_v ON ledger (v);
  CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER seen AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION nothing();
  CREATE TRIGGER unseen AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION nothing();
  ALTER TABLE ledger DISABLE TRIGGER unseen;`;

const first = (name: string) => `
  CREATE TABLE ${name} PARTITION OF ledger FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
  ALTER TABLE ${name} SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = false);
  ALTER TABLE ${name} ALTER v SET STATISTICS 500, ALTER v SET (n_distinct = 7), ALTER v SET STORAGE EXTERNAL,
    ALTER w SET COMPRESSION pglz;
  CREATE STATISTICS of_both (mcv, dependencies) ON v, w FROM ${name};
  CREATE STATISTICS of_one ON (v || w) FROM ${name};
  ALTER TABLE ${name} REPLICA IDENTITY USING INDEX ${name}_pkey; ALTER TABLE ${name} CLUSTER ON ${name}_v_idx;
  ALTER TABLE ${name} SET UNLOGGED;
  ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY; ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;
  CREATE POLICY plain ON ${name} FOR SELECT USING (v <> 'secret');
  CREATE POLICY nested ON ${name} AS RESTRICTIVE USING (EXISTS (SELECT FROM ledger l WHERE l.v = ${name}.v));`;

type Traits = Record<string, unknown>;

/** Without the table's name, which a policy may hold. */
function nameless(traits: Traits | undefined, name: string): unknown {
  expect(traits).toBeDefined();
  return JSON.parse(JSON.stringify(traits).replaceAll(name, '<partition>'));
}

async function traitsOf(schema: string, name: string): Promise<unknown> {
  const [traits] = await fixture.rows<Traits>(TRAITS, [`${schema}.${name}`]);
  return nameless(traits, name);
}

test('a partition that a policy makes is like its newest sibling in all that PostgreSQL does not inherit', async () => {
  const schema = 'tenant_traits';
  await fixture.makeSchema(schema, LEDGER + first('ledger_first'));
  await fixture.execute(schema, 'GRANT SELECT (v) ON ledger, ledger_first TO PUBLIC');

  const outcomes = await fixture.maintain([schema]);

  expect(outcomes[schema]).toMatchObject({ created: ['ledger_2026_11', 'ledger_2026_12'], failures: [] });
  const expected = await traitsOf(schema, 'ledger_first');
  expect(await traitsOf(schema, 'ledger_2026_11')).toEqual(expected);
  expect(await traitsOf(schema, 'ledger_2026_12')).toEqual(expected);
});

test('a partition whose rows come from the default one is like its sibling too', async () => {
  const schema = 'tenant_moved_traits';
  await fixture.makeSchema(
    schema,
    `${LEDGER} ${first('ledger_first')} CREATE TABLE ledger_rest PARTITION OF ledger DEFAULT;
     INSERT INTO ledger VALUES ('2026-11-05', 'secret'), ('2026-11-06', 'y')`,
  );

  const outcomes = await fixture.maintain([schema], { moveDefaultRows: true });

  expect(outcomes[schema]?.failures).toEqual([]);
  expect(await traitsOf(schema, 'ledger_2026_11')).toEqual(await traitsOf(schema, 'ledger_first'));
  const [moved] = await fixture.rows(
    `SELECT count(*)::int AS n FROM ${schema}.ledger WHERE at >= '2026-11-01'`,
  );
  expect(moved).toEqual({ n: 2 });
});

test('a first partition is like its table', async () => {
  const schema = 'tenant_first_traits';
  await fixture.makeSchema(
    schema,
    `${LEDGER} ALTER TABLE ledger ALTER w SET STATISTICS 50; ALTER TABLE ledger REPLICA IDENTITY FULL;
     CREATE STATISTICS of_table ON v, w FROM ledger;
     ALTER TABLE ledger ENABLE ROW LEVEL SECURITY; CREATE POLICY plain ON ledger USING (v <> 'secret');`,
  );

  await fixture.maintain([schema]);

  expect(await traitsOf(schema, 'ledger_2026_11')).toEqual(await traitsOf(schema, 'ledger'));
});

test('a host of an older Rowhouse gets the functions that partitions are made with', async () => {
  const schema = 'tenant_of_old';
  const former = await PartitionsFixture.start(provisioning);
  await former.makeSchema(schema, LEDGER);
  await former.execute(
    schema,
    "DROP FUNCTION shared.create_partition_table, shared.finish_partition; COMMENT ON SCHEMA shared IS 'Rowhouse 1'",
  );

  const outcomes = await former.maintain([schema]);

  expect(outcomes[schema]).toMatchObject({ created: ['ledger_2026_11', 'ledger_2026_12'], failures: [] });
});

test('a host whose shared was given away says so, and fails alone', async () => {
  const schema = 'tenant_of_others';
  const former = await PartitionsFixture.start(provisioning);
  await former.makeSchema(schema, LEDGER);
  await former.execute(schema, "COMMENT ON SCHEMA shared IS 'Rowhouse 1'");
  await provisioning.server.postgres.inDatabase(former.databaseName, (client) =>
    client.query('ALTER SCHEMA shared OWNER TO CURRENT_USER'),
  );

  const maintained = former.maintain([schema]);

  await expect(maintained).rejects.toMatchObject({
    code: '42501',
    message: expect.stringContaining('shared'),
  });
});

/** A tenant of a host that a DBA has made, whose ledger nobody may delete from. */
async function appendOnly(): Promise<{ host: HostingDatabase; name: TenantName; months: string[] }> {
  const host = await makeHost();
  await host.addTemplate(randomUUID(), 'empty', [[{ name: '01.sql', kind: 'schema', sql: '' }]]);
  const name = await host.createTenant();
  const sql = `${LEDGER} REVOKE DELETE ON ledger FROM ${name}; ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
    CREATE POLICY plain ON ledger USING (v <> 'secret')`;
  await host.query('dba', 'SELECT shared.run_tenant_sql($1, $2)', [name, sql]);
  const made = await host.query('dba', 'SELECT * FROM shared.create_monthly_partitions(1)');
  return { host, name, months: made.map((row) => String(row['partition_name'])) };
}

test('a partition that is made by SQL is no way past what its table refuses', async () => {
  const { host, name, months } = await appendOnly();
  const [month = ''] = months;
  await host.query(
    name,
    "INSERT INTO ledger VALUES (now(), 'open'), (now() + interval '1 microsecond', 'hidden')",
  );
  await host.query('provisioner', `UPDATE ${name}.ledger SET v = 'secret' WHERE v = 'hidden'`);

  expect(await host.query(name, `SELECT v FROM ${month}`)).toEqual([{ v: 'open' }]);
  await expect(host.query(name, `DELETE FROM ${month}`)).rejects.toMatchObject({ code: '42501' });
  const [table] = await host.query('provisioner', TRAITS, [`${name}.ledger`]);
  for (const partition of months) {
    const [traits] = await host.query('provisioner', TRAITS, [`${name}.${partition}`]);
    expect(nameless(traits, partition)).toEqual(nameless(table, 'ledger'));
  }
});
