import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { addTemplate } from '../../src/cli/templates.js';
import { randomHex } from '../../src/kernel/ids.js';
import { createDatabase } from '../support/databases.js';
import { query, withClient } from '../support/sql.js';
import { createTenant, type Template } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;

const dump = async (url: string, ...options: string[]) =>
  (await promisify(execFile)('pg_dump', ['-s', ...options, url])).stdout;

const add = (sql: string) => api.post<Template>('/api/templates', { name: `file-${randomHex(4)}`, sql });

test('a file of pg_dump is a version once its names have no schema', async () => {
  const database = await createDatabase(world);
  await withClient(database.connection_string, (client) =>
    client.query(
      'CREATE TABLE shops (id serial PRIMARY KEY, name text NOT NULL); CREATE INDEX ON shops (name)',
    ),
  );
  const text = (await dump(database.connection_string, '--no-owner', '--no-privileges')).replaceAll(
    'public.',
    '',
  );
  expect(text).toContain('SET statement_timeout = 0;');

  const template = (await add(text)).expect(201).data;

  const tenant = await createTenant(world, { templateId: template.id });
  expect(await query(tenant.connection_string, "INSERT INTO shops (name) VALUES ('a') RETURNING id")).toEqual(
    [{ id: 1 }],
  );
});

test('all problems of a file are told at once, each with its line', async () => {
  const sql = [
    'SET statement_timeout = 0;',
    '\\connect other',
    'CREATE TABLE public.a (b int);',
    'ALTER TABLE public.a OWNER TO x;',
    'COPY public.a (b) FROM stdin;',
    '1',
    '\\.',
    '\\i more.sql',
    'SET work_mem = 1000;',
  ];

  const { problem } = (await add(sql.join('\n'))).expect(400);

  const lines = problem.errors?.map(({ message }) => Number(/^line (\d+)/.exec(message)?.[1]));
  expect(lines?.sort()).toEqual([2, 3, 4, 5, 6, 8, 9]);
});

test.each([
  ['public', []],
  ['shop', ['-n', 'shop']],
])(
  'npx rowhouse templates add --from-dump makes a template of the schema %s of a database',
  async (schema, options) => {
    const database = await createDatabase(world, { extensions: ['citext'] });
    await withClient(database.connection_string, (client) =>
      client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}; SET search_path = ${schema}, public;
      CREATE TYPE state AS ENUM ('new', 'paid');
      CREATE TABLE users (id serial PRIMARY KEY, email public.citext UNIQUE);
      CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s state DEFAULT 'new',
        user_id int REFERENCES users, note text DEFAULT '${schema}.orders');
      CREATE VIEW paid WITH (security_invoker = true) AS SELECT id FROM orders WHERE s = 'paid';
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO ${schema}.users (email) VALUES ('t'); RETURN NEW; END $$;
      CREATE TRIGGER touched AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch();
      COMMENT ON SCHEMA ${schema} IS 'mine'; COMMENT ON TABLE users IS '${schema}.users';
      GRANT SELECT ON users TO PUBLIC`),
    );
    const folder = mkdtempSync(join(tmpdir(), 'dump-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    vi.stubEnv('ROWHOUSE_URL', world.app.url);
    vi.stubEnv('ROWHOUSE_KEY', world.config.apiKey ?? '');
    const file = join(folder, 'schema.sql');
    writeFileSync(file, await dump(database.connection_string, ...options));
    const name = `dump-${randomHex(4)}`;

    await addTemplate(name, file, { fromDump: true });

    const [template] = (await api.get<Template[]>(`/api/templates?name=${name}`)).expect(200).data;
    expect(template).toMatchObject({ latest_version: 1, extensions: ['citext'] });
    const { connection_string } = await createTenant(world, { templateId: template?.id });
    expect(
      await query(connection_string, 'INSERT INTO orders (s) VALUES (DEFAULT) RETURNING s, note'),
    ).toEqual([{ s: 'new', note: `${schema}.orders` }]);
    expect(await query(connection_string, 'SELECT id, email FROM users')).toEqual([{ id: 1, email: 't' }]);
  },
);
