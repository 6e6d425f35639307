import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { errorCodeOf } from '../support/sql.js';
import { type FileOfTemplate, rows, startHosting } from './hosting-database.js';

const DIRECTORY = fileURLToPath(new URL('../../sql/templates/pos/', import.meta.url));

async function readTemplate(): Promise<FileOfTemplate[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => ({
      name,
      kind: name.includes('seed') ? ('seed' as const) : ('schema' as const),
      sql: await readFile(`${DIRECTORY}${name}`, 'utf8'),
    })),
  );
}

const files = await readTemplate();
const makeHost = await startHosting();
const host = await makeHost();
await host.addTemplate(randomUUID(), 'pos', [files]);
const shop = await host.createTenant();

/** Rows of the catalog that name something of the shop; `$schema` stands for its schema. */
function catalog(sql: string): Promise<Record<string, unknown>[]> {
  return host.query('superuser', sql.replaceAll('$schema', `'${shop}'::regnamespace`));
}

test('has 51 tables in 13 domains, a file each', async () => {
  const tables = await catalog(
    `SELECT relname FROM pg_class
     WHERE relnamespace = $schema AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
  );

  expect(files.filter(({ kind }) => kind === 'schema')).toHaveLength(13);
  expect(tables).toHaveLength(51);
  const made = files.flatMap(({ sql }) => [...sql.matchAll(/^CREATE TABLE (\w+)/gm)].map(([, name]) => name));
  expect(tables.map(({ relname }) => relname)).toEqual(made.sort());
});

test('every foreign key has an index that begins with its columns', async () => {
  const unindexed = await catalog(
    `SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
     WHERE c.connamespace = $schema AND c.contype = 'f' AND NOT EXISTS (
       SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
         AND (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(c.conkey)] @> c.conkey
     )`,
  );

  expect(unindexed).toEqual([]);
});

test('every table says what it is, and every updated_at is kept by a trigger', async () => {
  const undocumented = await catalog(
    `SELECT relname FROM pg_class WHERE relnamespace = $schema AND relkind IN ('r', 'p') AND NOT relispartition
       AND obj_description(oid, 'pg_class') IS NULL`,
  );
  const untouched = await catalog(
    `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
     WHERE c.relnamespace = $schema AND c.relkind = 'r'
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'set_updated_at')`,
  );

  expect({ undocumented, untouched }).toEqual({ undocumented: [], untouched: [] });
});

test('leaves the names of shared alone, so that they fall back to it', async () => {
  const hidden = await catalog(
    `SELECT relname FROM pg_class WHERE relnamespace = $schema
     INTERSECT SELECT relname FROM pg_class WHERE relnamespace = 'shared'::regnamespace`,
  );

  expect(hidden).toEqual([]);
});

test('starts with roles, settings, methods of payment and a till, and its seeds may run again', async () => {
  const counts = `SELECT (SELECT count(*) FROM roles) AS roles, (SELECT count(*) FROM role_permissions) AS permissions,
    (SELECT count(*) FROM settings) AS settings, (SELECT count(*) FROM payment_methods) AS methods,
    (SELECT count(*) FROM tax_categories) AS taxes, (SELECT count(*) FROM registers) AS registers`;
  const fresh = await host.query(shop, counts);
  expect(fresh).toEqual([
    { roles: '5', permissions: '39', settings: '10', methods: '5', taxes: '4', registers: '1' },
  ]);

  await host.query('dba', 'SELECT shared.seed_tenant_data($1)', [shop]);

  expect(await host.query(shop, counts)).toEqual(fresh);
});

test('makes the ledger of this month and three more, in UTC wherever the session is, without a default', async () => {
  const dba = await host.connect('dba');
  await dba.query("SET timezone = 'Pacific/Kiritimati'; SET datestyle = 'SQL, DMY'");
  await dba.query("SELECT shared.provision_tenant_schema(gen_random_uuid(), 'elsewhere')");

  const partitions = await host.query(
    'superuser',
    `SET timezone = 'UTC';
     SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'elsewhere.inventory_transactions'::regclass ORDER BY 1`,
  );

  const expected = await host.query(
    'superuser',
    `SET timezone = 'UTC';
     SELECT to_char(m, '"inventory_transactions_"YYYY_MM') AS relname,
            format('FOR VALUES FROM (%L) TO (%L)', m, m + interval '1 month') AS bounds
     FROM generate_series(date_trunc('month', now()), now() + interval '3 months', interval '1 month') AS m`,
  );
  expect(partitions).toEqual(expected);
});

test('sells a product: receipt, payment, stock, points, and the ledger in the right month', async () => {
  const till = await host.connect(shop);
  await till.query(`
    INSERT INTO employees (employee_number, role_id, first_name, last_name)
      SELECT '1', id, 'Ada', 'Byron' FROM roles WHERE code = 'cashier';
    INSERT INTO products (sku, name, price, cost) VALUES ('TEA', 'Green tea', 4.90, 2.1);
    INSERT INTO product_variants (product_id, sku, name) SELECT id, 'TEA-XL', 'Large' FROM products;
    INSERT INTO barcodes (code, product_id, variant_id) SELECT '4006381333931', product_id, id FROM product_variants;
    INSERT INTO stock_levels (location_id, product_id, variant_id, on_hand, reserved)
      SELECT l.id, v.product_id, v.id, 10, 1 FROM locations l, product_variants v;
    INSERT INTO customers (first_name, email) VALUES ('Grace', 'grace@example.com');
    INSERT INTO loyalty_programs (name) VALUES ('Club');
    INSERT INTO loyalty_accounts (program_id, customer_id) SELECT p.id, c.id FROM loyalty_programs p, customers c;
    INSERT INTO shifts (register_id, opened_by, opening_float) SELECT r.id, e.id, 100 FROM registers r, employees e`);

  await till.query(`
    BEGIN;
    INSERT INTO sales (number, location_id, register_id, employee_id, customer_id, status, net_total, tax_total, completed_at)
      SELECT next_document_number('sale'), r.location_id, r.id, e.id, c.id, 'completed', 8.24, 1.56, now()
      FROM registers r, employees e, customers c;
    INSERT INTO sale_lines (sale_id, position, product_id, variant_id, description, quantity, unit_price, unit_cost)
      SELECT s.id, 1, p.id, b.variant_id, p.name, 2, p.price, p.cost
      FROM sales s, barcodes b JOIN products p ON p.id = b.product_id WHERE b.code = '4006381333931';
    INSERT INTO payments (sale_id, payment_method_id, shift_id, amount, tendered)
      SELECT s.id, m.id, h.id, s.total, 10 FROM sales s, payment_methods m, shifts h WHERE m.code = 'cash';
    UPDATE stock_levels SET on_hand = on_hand - 2;
    INSERT INTO inventory_transactions
      (location_id, product_id, variant_id, kind, quantity, unit_cost, employee_id, document_kind, document_id)
      SELECT s.location_id, l.product_id, l.variant_id, 'sale', -l.quantity, l.unit_cost, s.employee_id, 'sale', s.id
      FROM sales s JOIN sale_lines l ON l.sale_id = s.id;
    INSERT INTO loyalty_transactions (account_id, sale_id, kind, points)
      SELECT a.id, s.id, 'earn', 9 FROM loyalty_accounts a, sales s;
    COMMIT`);

  const receipt = await rows(
    till,
    `SELECT s.number, s.total, l.line_total, p.change_given, k.available
     FROM sales s JOIN sale_lines l ON l.sale_id = s.id JOIN payments p ON p.sale_id = s.id
     JOIN stock_levels k ON (k.product_id, k.variant_id) = (l.product_id, l.variant_id)`,
  );
  expect(receipt).toEqual([
    { number: 'S-000001', total: '9.80', line_total: '9.80', change_given: '0.20', available: '7.000' },
  ]);
  const [booked] = await rows(
    till,
    `SELECT quantity, tableoid::regclass::text AS partition,
            to_char(now() AT TIME ZONE 'UTC', '"inventory_transactions_"YYYY_MM') AS expected
     FROM inventory_transactions`,
  );
  expect(booked).toMatchObject({ quantity: '-2.000', partition: booked?.expected });
});

test.each([
  ['a price below zero', "INSERT INTO products (sku, name, price) VALUES ('X', 'x', -1)", '23514'],
  ['a second product of one SKU', "INSERT INTO products (sku, name) VALUES ('Y', 'y'), ('Y', 'z')", '23505'],
  [
    'a currency that is none',
    "INSERT INTO suppliers (code, name, currency) VALUES ('S', 's', 'eur')",
    '23514',
  ],
  ['a customer without a name', "INSERT INTO customers (email) VALUES ('a@example.com')", '23514'],
  ['stock of nothing', 'INSERT INTO stock_levels (location_id, product_id) VALUES (1, -1)', '23503'],
  [
    'a ledger row far ahead',
    "INSERT INTO inventory_transactions (location_id, product_id, kind, quantity, created_at) VALUES (1, 1, 'sale', 1, '2100-01-01')",
    '23514',
  ],
])('refuses %s', async (_, sql, code) => {
  expect(await errorCodeOf(host.query(shop, sql))).toBe(code);
});
