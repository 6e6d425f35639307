import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addTemplate, listTemplates, showDrift } from '../../src/cli/templates.js';
import { randomHex } from '../../src/kernel/ids.js';
import { Session } from '../support/session.js';
import { createHost, createTenant, type NewTenant, posFiles, SMALL_TEMPLATE } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

interface Template {
  id: string;
  name: string;
  status: string;
  latest_version: number;
  tenants: number;
  tenants_by_version: { version: number; tenants: number }[];
}

interface Version {
  number: number;
  checksum: string;
  transactional: boolean;
  files: { name: string; kind: string; bytes: number; sql?: string }[];
}

interface Diff {
  from: number;
  to: number;
  versions: Version[];
  objects: { object: string; kind: string; before: string | null; after: string | null }[];
}

interface Drift {
  summary: { tenants: number; matching: number; drifted: number; migrating: number; unchecked: number };
  tenants: {
    tenant_id: string;
    difference_count: number;
    differences: { object: string; kind: string; expected: string | null; actual: string | null }[];
  }[];
  unchecked_hosts: { database_name: string; tenants: number; reason: string }[];
}

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0', WARM_POOL_SIZE: '0' } });
const { api } = world;

async function create(fields: object = { files: SMALL_TEMPLATE }): Promise<Template> {
  const body = { name: `template-${randomHex(4)}`, ...fields };
  return (await api.post<Template>('/api/templates', body)).expect(201).data;
}

const add = ({ id }: { id: string }, body: object) =>
  api.post<Version>(`/api/templates/${id}/versions`, body);

const get = async ({ id }: { id: string }) =>
  (await api.get<Template>(`/api/templates/${id}`)).expect(200).data;

async function drift({ id }: { id: string }, query = ''): Promise<Drift> {
  return (await api.get<Drift>(`/api/templates/${id}/drift${query}`)).expect(200).data;
}

/** As superuser in a database of the server. */
async function admin(database: string, sql: string): Promise<void> {
  const { host, port, adminUser: user, adminPassword: password } = world.config.server;
  const session = new Session({ host, port, user, password, database });
  await session.query(sql).finally(() => session.end());
}

describe('a template', () => {
  test('is created with the point-of-sale files as version 1', async () => {
    const template = await create({ name: 'pos', description: 'Shops', files: posFiles() });

    expect(template).toMatchObject({ name: 'pos', status: 'active', latest_version: 1, tenants: 0 });
    const { files } = (await api.get<Version>(`/api/templates/${template.id}/versions/1`)).expect(200).data;
    expect(files.map(({ name, sql }) => ({ name, sql }))).toEqual(posFiles());
    expect(files.filter(({ kind }) => kind === 'seed').map(({ name }) => name)).toEqual(
      posFiles().flatMap(({ name }) => (name.includes('seed') ? [name] : [])),
    );
  });

  test('may begin without a version, and is found by its name', async () => {
    const template = await create({});

    expect(template.latest_version).toBe(0);
    const found = (await api.get<Template[]>(`/api/templates?name=${template.name}`)).expect(200).data;
    expect(found.map(({ id }) => id)).toEqual([template.id]);
  });

  test('with a bad first version is not created at all', async () => {
    const name = `template-${randomHex(4)}`;

    (await api.post('/api/templates', { name, sql: 'CREATE tabel' })).expect(400);

    expect((await api.get<Template[]>(`/api/templates?name=${name}`)).expect(200).data).toEqual([]);
  });

  test('has a name that no other has', async () => {
    const { name } = await create({});

    const { problem, badFields } = (await api.post('/api/templates', { name })).expect(409);

    expect(problem.code).toBe('CONFLICT');
    expect(badFields).toEqual(['name']);
  });

  test('changes its description only', async () => {
    const template = await create({});
    const path = `/api/templates/${template.id}`;

    expect((await api.patch(path, { description: 'new' })).expect(200).data).toMatchObject({
      description: 'new',
    });
    expect((await api.patch(path, { name: 'other' })).expect(400).badFields).toEqual(['name']);
  });

  test('that is retired takes no new version and no new tenant until it is active again', async () => {
    const template = await create();
    const path = `/api/templates/${template.id}`;
    (await api.post(`${path}/retire`)).expect(200);

    expect((await add(template, { sql: 'CREATE TABLE a (b int)' })).expect(409).problem.detail).toContain(
      'retired',
    );
    const tenant = await api.post('/api/tenants', { slug: `shop-${randomHex(4)}`, templateId: template.id });
    expect(tenant.status).toBe(409);
    (await api.post(`${path}/retire`)).expect(409);

    expect((await api.post(`${path}/activate`)).expect(200).data).toMatchObject({ status: 'active' });
    (await add(template, { sql: 'CREATE TABLE a (b int)' })).expect(201);
  });

  test('is deleted with its versions while nobody has it', async () => {
    const template = await create();

    (await api.delete(`/api/templates/${template.id}`)).expect(200);

    expect((await api.get(`/api/templates/${template.id}`)).status).toBe(404);
  });

  test('that a tenant has is not deleted, and tells who has which version', async () => {
    const template = await create();
    await createTenant(world, { templateId: template.id });

    const { problem } = (await api.delete(`/api/templates/${template.id}`)).expect(409);

    expect(problem.detail).toContain('1 tenant carries it');
    expect(await get(template)).toMatchObject({
      tenants: 1,
      tenants_by_version: [{ version: 1, tenants: 1 }],
    });
  });
});

describe('a version', () => {
  test('gets the next number and never changes', async () => {
    const template = await create();

    const second = (await add(template, { sql: 'ALTER TABLE products ADD COLUMN colour text' })).expect(
      201,
    ).data;
    const third = (
      await add(template, { sql: 'ALTER TABLE products DROP COLUMN colour', description: 'x' })
    ).expect(201).data;

    expect([second.number, third.number]).toEqual([2, 3]);
    const list = (await api.get<Version[]>(`/api/templates/${template.id}/versions?limit=2`)).expect(200);
    expect(list.data.map(({ number }) => number)).toEqual([3, 2]);
    const rest = await api.get<Version[]>(`/api/templates/${template.id}/versions?cursor=${list.nextCursor}`);
    expect(rest.expect(200).data.map(({ number }) => number)).toEqual([1]);
    expect((await get(template)).latest_version).toBe(3);
  });

  test('leaves an audit row with its checksum and files, without its SQL', async () => {
    const template = await create();
    const { requestId, data } = (
      await add(template, { sql: "COMMENT ON TABLE products IS 'not for the trail'" })
    ).expect(201);

    const [row] = await world.control.query(
      'SELECT action, after::text FROM audit_logs WHERE request_id = $1',
      [requestId],
    );

    expect(row).toMatchObject({ action: 'template.add_version' });
    expect(row?.after).toContain(data.checksum);
    expect(row?.after).toContain('version.sql');
    expect(row?.after).not.toContain('not for the trail');
  });

  test('that is just like the newest one is refused', async () => {
    const template = await create();
    const body = { sql: 'ALTER TABLE products ADD COLUMN colour text' };
    (await add(template, body)).expect(201);

    expect((await add(template, body)).expect(409).problem.code).toBe('CONFLICT');
  });

  test('is one of two that came at once; the other is told to look again', async () => {
    const template = await create();
    const columns = ['a', 'b'].map((name) => ({ sql: `ALTER TABLE products ADD COLUMN ${name} int` }));

    const answers = await Promise.all(columns.map((body) => add(template, body)));

    const states = answers.map(({ status }) => status).sort();
    expect([
      [201, 201],
      [201, 409],
    ]).toContainEqual(states);
    const busy = answers.find(({ status }) => status === 409);
    if (busy) expect(busy.problem).toMatchObject({ code: 'RESOURCE_BUSY', retryable: true });
    expect((await get(template)).latest_version).toBe(states[1] === 201 ? 3 : 2);
  });

  test('without a transaction is run statement by statement, and differently in new schemas', async () => {
    const template = await create();
    const sql = `-- rowhouse: no transaction
      CREATE INDEX CONCURRENTLY products_by_age ON products (created_at);
      REINDEX TABLE CONCURRENTLY products;
      VACUUM (ANALYZE) products;
      DROP INDEX CONCURRENTLY IF EXISTS products_by_name;`;

    const version = (await add(template, { sql })).expect(201).data;

    expect(version.transactional).toBe(false);
    const [row] = await world.control.query(
      'SELECT statements, fresh_files FROM template_versions WHERE template_id = $1 AND number = 2',
      [template.id],
    );
    expect(row?.statements.map(({ action, index }: Record<string, unknown>) => [action, index])).toEqual([
      ['create_index', 'products_by_age'],
      ['other', null],
      ['other', null],
      ['drop_index', 'products_by_name'],
    ]);
    expect(row?.fresh_files[0].sql.replace(/\s+/g, ' ')).toBe(
      'CREATE INDEX products_by_age ON products (created_at) ; DROP INDEX IF EXISTS products_by_name ; ',
    );
    const tenant = await createTenant(world, { templateId: template.id });
    expect(tenant.template_version).toBe(2);
  });

  test('is compared with others by files and by what they make', async () => {
    const template = await create();
    (
      await add(template, { sql: 'ALTER TABLE products ADD COLUMN colour text; CREATE TABLE tags (id int)' })
    ).expect(201);
    (
      await add(template, { sql: 'DROP TABLE settings; ALTER TABLE products ALTER colour SET NOT NULL' })
    ).expect(201);
    const diff = async (query: string) =>
      (await api.get<Diff>(`/api/templates/${template.id}/diff${query}`)).expect(200).data;

    const whole = await diff('?from=1&to=3');

    expect(whole.versions.map(({ number }) => number)).toEqual([2, 3]);
    expect(whole.objects.map(({ object, kind }) => `${kind} ${object}`)).toEqual([
      'added column products.colour',
      'removed table settings',
      'added table tags',
    ]);
    expect((await diff('')).objects).toContainEqual({
      object: 'column products.colour',
      kind: 'changed',
      before: 'text',
      after: 'text NOT NULL',
    });
    expect((await diff('?from=0&to=1')).objects.map(({ object }) => object)).toContain('table products');
    expect((await api.get(`/api/templates/${template.id}/diff?from=2&to=2`)).expect(400).badFields).toEqual([
      'from',
    ]);
    expect((await api.get(`/api/templates/${template.id}/diff?to=4`)).expect(400).badFields).toEqual(['to']);
  });
});

describe('a bad version is refused with its place, and changes nothing', async () => {
  const template = await create();

  test.each<[string, string, string, string]>([
    [
      'a syntax error',
      "SELECT 'é🐘';\n  CREATE tabel x ();",
      'VALIDATION_FAILED',
      'line 2, column 10: syntax error at or near "tabel"',
    ],
    [
      'DROP SCHEMA',
      'SELECT 1;\nDROP SCHEMA shared CASCADE;',
      'VALIDATION_FAILED',
      'line 2, column 1: DROP SCHEMA is not for templates',
    ],
    ['SET ROLE', 'SET ROLE postgres', 'VALIDATION_FAILED', 'line 1, column 1: SET ROLE is not for templates'],
    ['COMMIT', 'SELECT 1; COMMIT;', 'VALIDATION_FAILED', 'line 1, column 11: COMMIT is not for templates'],
    [
      'a psql command',
      '\\c postgres\nSELECT 1',
      'VALIDATION_FAILED',
      'line 1, column 1: \\c is a command of psql',
    ],
    [
      'ALTER SYSTEM',
      "ALTER SYSTEM SET work_mem = '1GB'",
      'VALIDATION_FAILED',
      'line 1, column 1: ALTER SYSTEM',
    ],
    [
      'an unknown table',
      '\n ALTER TABLE nosuch ADD COLUMN a int',
      'SQL_ERROR',
      'line 2, column 2: relation "nosuch" does not exist (42P01)',
    ],
    [
      'an unknown column',
      'CREATE VIEW v AS\n  SELECT nosuch FROM products',
      'SQL_ERROR',
      'line 2, column 10: column "nosuch" does not exist (42703)',
    ],
    [
      'a constraint',
      "INSERT INTO settings VALUES ('a', 'b');\n\nINSERT INTO settings VALUES ('a', 'c')",
      'SQL_ERROR',
      'line 3, column 1: duplicate key value',
    ],
    [
      'an error in a function',
      'SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1/0;\nEND $$',
      'SQL_ERROR',
      'line 2, column 1: division by zero (22012). In PL/pgSQL function inline_code_block line 3 at PERFORM',
    ],
    ['no statement', '-- nothing', 'VALIDATION_FAILED', 'must have a statement'],
    [
      'rows that nobody reads',
      'SELECT 1;\nSELECT generate_series(1, 100000000)',
      'VALIDATION_FAILED',
      'line 2, column 1: returns more than 1000 rows',
    ],
    [
      'too deep nesting',
      `SELECT ${'(SELECT '.repeat(3_300)}1${')'.repeat(3_300)}`,
      'VALIDATION_FAILED',
      'nested too deep',
    ],
  ])('%s', async (_, sql, code, message) => {
    const { problem } = (await add(template, { sql })).expect(400);

    expect(problem.code).toBe(code);
    expect(problem.errors).toEqual([{ field: 'sql', message: expect.stringContaining(message) }]);
    expect((await get(template)).latest_version).toBe(1);
  });

  test.each<[string, string, string]>([
    ['a table of shared', 'ALTER TABLE users ADD COLUMN a int', 'it makes the column users.a of shared'],
    [
      'rows of shared',
      "INSERT INTO tenants (id, slug, name, schema_name) VALUES (gen_random_uuid(), 'a', 'a', 'a')",
      'it writes rows of shared.tenants',
    ],
    [
      'a table elsewhere',
      "DO $$ BEGIN EXECUTE 'CREATE TABLE shared.x (a int)'; END $$",
      'it makes the table x of shared',
    ],
    ['another schema', "DO $$ BEGIN EXECUTE 'CREATE SCHEMA evil'; END $$", 'it makes the schema evil'],
    [
      'all tenants users in a view',
      'CREATE VIEW staff AS SELECT email FROM users',
      '"staff" reads shared.users with the rights of its owner',
    ],
    [
      'the same through another view',
      'CREATE VIEW a WITH (security_invoker) AS SELECT * FROM shared.users; CREATE VIEW b AS SELECT * FROM a',
      '"b" reads shared.users',
    ],
    [
      'the same in a materialized view',
      'CREATE MATERIALIZED VIEW m AS SELECT * FROM shared.tenants',
      '"m" reads shared.tenants',
    ],
    [
      'the rights of the owner',
      "DO $$ BEGIN EXECUTE 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1'''; END $$",
      'the function f() is SECURITY DEFINER',
    ],
    [
      'a table that shared would read',
      'CREATE TABLE kids () INHERITS (users)',
      'the table kids becomes a part of shared.users',
    ],
    [
      'a setting in the session',
      "DO $$ BEGIN PERFORM set_config('work_mem', '1MB', false); END $$",
      'it leaves the setting work_mem behind',
    ],
    [
      'a lock in the session',
      'DO $$ BEGIN PERFORM pg_advisory_lock(1); END $$',
      'it leaves an advisory lock behind',
    ],
  ])('what it did besides: %s', async (_, sql, message) => {
    const { problem } = (await add(template, { sql })).expect(400);

    expect(problem.code).toBe('VALIDATION_FAILED');
    expect(problem.errors).toEqual([{ field: 'sql', message: expect.stringContaining(message) }]);
  });

  test('several files are named each by its field', async () => {
    const files = [
      { name: 'a.sql', sql: 'COMMIT' },
      { name: 'b.sql', sql: 'SELECT 1' },
      { name: 'c.sql', sql: 'SELECT 1;\nLISTEN x;\nVACUUM products' },
    ];

    const { badFields } = (await add(template, { files })).expect(400);

    expect(badFields).toEqual(['files[0].sql', 'files[2].sql', 'files[2].sql']);
  });

  test('what only a new tenant would meet is found too', async () => {
    const early = await create({ sql: 'CREATE TABLE a (b int)' });
    const sql = `\nDO $$ BEGIN IF current_query() ~ ('run_tenant' || '_sql') THEN RAISE 'only here'; END IF; END $$`;

    const { problem } = (await add(early, { sql })).expect(400);

    expect(problem.code).toBe('SQL_ERROR');
    expect(problem.detail).toContain('in the schema of a new tenant');
    expect(problem.detail).toContain('only here (P0001)');
  });

  test('a version without a transaction names what it may not have', async () => {
    const sql = 'CREATE INDEX CONCURRENTLY a ON products (name);\nCREATE TABLE b (c int)';

    const { problem } = (await add(template, { sql, transaction: false })).expect(400);

    expect(problem.errors).toEqual([
      { field: 'sql', message: expect.stringContaining('line 2, column 1: CREATE TABLE') },
    ]);
  });

  test('scratch schemas are gone after all of this', async () => {
    const { host, port, adminUser: user, adminPassword: password } = world.config.server;
    const session = new Session({ host, port, user, password, database: 'rowhouse_scratch' });
    const schemas = await session.query("SELECT nspname FROM pg_namespace WHERE nspname ~ 'scratch|evil'");
    await session.end();

    expect(schemas).toEqual([]);
  });
});

describe('a request names the bad field', async () => {
  const { id } = await create({});

  test.each<[string, object, string[]]>([
    ['no name', {}, ['name']],
    ['upper case', { name: 'Pos' }, ['name']],
    ['64 characters', { name: 'x'.repeat(64) }, ['name']],
    ['quotes', { name: `a"b'` }, ['name']],
    ['a description of a wrong type', { name: 'a', description: 1 }, ['description']],
    ['an unknown field', { name: 'a', flavour: 'x' }, ['flavour']],
    ['files that are none', { name: 'a', files: 'x' }, ['files']],
    ['no files', { name: 'a', files: [] }, ['files']],
    [
      '201 files',
      { name: 'a', files: Array.from({ length: 201 }, (_, at) => ({ name: `${at}`, sql: '' })) },
      ['files'],
    ],
    ['a file without sql', { name: 'a', files: [{ name: 'a.sql' }] }, ['files[0].sql']],
    [
      'a file of an unknown kind',
      { name: 'a', files: [{ name: 'a.sql', sql: '', kind: 'x' }] },
      ['files[0].kind'],
    ],
    [
      'a name twice',
      {
        name: 'a',
        files: [
          { name: 'a.sql', sql: '' },
          { name: 'a.sql', sql: '' },
        ],
      },
      ['files[1].name'],
    ],
    ['NUL in a file', { name: 'a', files: [{ name: 'a.sql', sql: 'SELECT \0' }] }, ['files[0].sql']],
    ['files and sql', { name: 'a', files: [{ name: 'a.sql', sql: '' }], sql: '' }, ['sql']],
    ['a transaction that is none', { name: 'a', sql: '', transaction: 'no' }, ['transaction']],
  ])('%s', async (_, body, fields) => {
    expect([...new Set((await api.post('/api/templates', body)).expect(400).badFields)]).toEqual(fields);
  });

  test('of a version that brings nothing', async () => {
    expect((await add({ id }, {})).expect(400).badFields).toEqual(['files']);
  });

  test('that is too large', async () => {
    expect((await add({ id }, { sql: `SELECT '${'x'.repeat(1_100_000)}'` })).status).toBe(413);
  });

  test('in a path', async () => {
    expect((await api.get('/api/templates/7')).expect(400).badFields).toEqual(['id']);
    expect((await api.get(`/api/templates/${id}/versions/0`)).expect(400).badFields).toEqual(['number']);
    expect((await api.get(`/api/templates/${id}/versions/1`)).status).toBe(404);
    expect((await api.get(`/api/templates/${id}/drift?limit=0`)).expect(400).badFields).toEqual(['limit']);
    for (const path of ['', '/versions', '/diff', '/drift']) {
      expect((await api.get(`/api/templates/${randomUUID()}${path}`)).status).toBe(404);
    }
    expect((await add({ id: randomUUID() }, { sql: 'SELECT 1' })).status).toBe(404);
  });

  test('and a key without the scope changes nothing', async () => {
    const body = { name: `reader-${randomHex(4)}`, scopes: ['templates:read'] };
    const { key } = (await api.post<{ key: string }>('/api/api-keys', body)).expect(201).data;
    const reader = api.withKey(key);

    expect((await reader.post('/api/templates', { name: 'x' })).status).toBe(403);
    (await reader.get('/api/templates')).expect(200);
  });
});

describe('drift', async () => {
  const { database } = await createHost(world);
  const template = await create();
  const make = (fields: object = {}) =>
    createTenant(world, { templateId: template.id, databaseId: database.id, ...fields });
  const tenants: NewTenant[] = [];
  for (let at = 0; at < 4; at += 1) tenants.push(await make());
  const own = await createTenant(world, { templateId: template.id, isolation: 'database' });
  const [changed, dropped, renamed] = tenants as [NewTenant, NewTenant, NewTenant];

  test('is none where nobody changed anything, whatever the isolation and the version', async () => {
    (await add(template, { sql: 'ALTER TABLE products ADD COLUMN colour text' })).expect(201);
    const late = await make();

    const report = await drift(template);

    expect(late.template_version).toBe(2);
    expect(report).toEqual({
      summary: { tenants: 6, matching: 6, drifted: 0, migrating: 0, unchecked: 0 },
      tenants: [],
      unchecked_hosts: [],
    });
    expect((await drift(template, '?version=2')).summary.tenants).toBe(1);
  });

  test('names what somebody changed by hand, and who is not there any more', async () => {
    const { schema_name: schema } = changed;
    await admin(
      database.database_name,
      `ALTER TABLE ${schema}.products ALTER name DROP NOT NULL, ADD COLUMN hacked int;
       CREATE TABLE ${schema}.extra (a int); ALTER TABLE ${schema}.settings OWNER TO ${database.username};
         REVOKE UPDATE ON ${schema}.products FROM ${schema};
         DROP SCHEMA ${dropped.schema_name} CASCADE;
         ALTER SCHEMA ${renamed.schema_name} RENAME TO elsewhere`,
    );

    const report = await drift(template);

    expect(report.summary).toEqual({ tenants: 6, matching: 3, drifted: 3, migrating: 0, unchecked: 0 });
    const found = new Map(report.tenants.map(({ tenant_id, differences }) => [tenant_id, differences]));
    expect([...found.keys()]).toEqual([changed.id, dropped.id, renamed.id]);
    expect(found.get(dropped.id)).toEqual([
      { object: 'schema', kind: 'missing', expected: dropped.schema_name, actual: null },
    ]);
    expect(found.get(renamed.id)).toEqual([
      { object: 'schema', kind: 'changed', expected: renamed.schema_name, actual: 'renamed to elsewhere' },
    ]);
    expect(found.get(changed.id)).toEqual(
      expect.arrayContaining([
        { object: 'column products.name', kind: 'changed', expected: 'text NOT NULL', actual: 'text' },
        { object: 'column products.hacked', kind: 'unexpected', expected: null, actual: 'integer' },
        expect.objectContaining({ object: 'table extra', kind: 'unexpected' }),
        expect.objectContaining({
          object: 'owner of table settings',
          kind: 'changed',
          actual: database.username,
        }),
        {
          object: 'rights on table products',
          kind: 'changed',
          expected: 'SELECT, INSERT, UPDATE, DELETE',
          actual: 'SELECT, INSERT, DELETE',
        },
      ]),
    );
  });

  test('shows as many tenants as asked for and counts the others', async () => {
    const report = await drift(template, '?limit=1');

    expect(report.tenants.map(({ tenant_id }) => tenant_id)).toEqual([changed.id]);
    expect(report.summary.drifted).toBe(3);
  });

  test('of other databases is found while one does not let anybody in', async () => {
    const { database_name: name } = own;
    await admin('postgres', `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await admin(
      'postgres',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    );

    const report = await drift(template);

    expect(report.summary).toEqual({ tenants: 6, matching: 2, drifted: 3, migrating: 0, unchecked: 1 });
    expect(report.unchecked_hosts).toEqual([
      {
        database_name: name,
        tenants: 1,
        reason: expect.any(String),
      },
    ]);
    await admin('postgres', `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  });
});

describe('rowhouse templates, on the command line', () => {
  let folder = '';
  let output = '';
  const name = `template-${randomHex(4)}`;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rowhouse-templates-'));
    output = '';
    vi.stubEnv('ROWHOUSE_URL', api.baseUrl);
    vi.stubEnv('ROWHOUSE_KEY', world.config.apiKey ?? '');
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output += text;
      return true;
    });
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  test('makes a template of a folder, and adds nothing while the folder stays as it is', async () => {
    writeFileSync(join(folder, '02_b.sql'), 'CREATE TABLE b (a int REFERENCES a);');
    writeFileSync(join(folder, '01_a.sql'), 'CREATE TABLE a (id int PRIMARY KEY);');
    writeFileSync(join(folder, 'template.json'), JSON.stringify({ description: 'Two tables' }));

    await addTemplate(name, folder);
    await addTemplate(name, folder);

    const [template] = (await api.get<Template[]>(`/api/templates?name=${name}`)).expect(200).data;
    expect(template).toMatchObject({ latest_version: 1, description: 'Two tables' });
    expect(output).toContain('has version 1, of 2 files');
    expect(output).toContain('has these files already, as version 1');
  });

  test('adds a file as the next version, and says what is wrong with a bad one', async () => {
    const file = join(folder, 'colour.sql');
    writeFileSync(file, 'ALTER TABLE a ADD COLUMN colour text;');
    await addTemplate(name, file, { description: 'Colours' });
    expect(output).toContain('has version 2 now, of 1 file');

    writeFileSync(file, 'ALTER TABLE a\n  ADD COLUMN;');
    await expect(addTemplate(name, file)).rejects.toMatchObject({
      message: 'The request is not valid (400 VALIDATION_FAILED)',
      details: [expect.stringContaining('files[0].sql: line 2, column 13: syntax error'), expect.any(String)],
    });
  });

  test('lists templates and shows drift', async () => {
    await listTemplates();
    await showDrift(name);

    expect(output).toMatch(new RegExp(`${name} +active +version 2, 0 tenants`));
    expect(output).toContain('0 tenants: 0 differ, 0 not looked at');
  });

  test('needs a key, an API that answers, and files', async () => {
    await expect(addTemplate(name, join(folder, 'nosuch'))).rejects.toThrow('There is no file or folder');
    await expect(addTemplate(name, folder)).rejects.toThrow('has no .sql files');
    vi.stubEnv('ROWHOUSE_URL', 'http://127.0.0.1:1');
    await expect(listTemplates()).rejects.toThrow('Rowhouse does not answer at http://127.0.0.1:1');
    vi.stubEnv('ROWHOUSE_KEY', '');
    vi.stubEnv('API_KEY', '');
    await expect(listTemplates()).rejects.toThrow('An API key is needed');
  });
});
