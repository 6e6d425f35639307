import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { scramVerifier } from '../../src/kernel/scram.js';
import type { RequestOptions } from '../support/api.js';
import { connect, query } from '../support/sql.js';
import { createTemplate, createTenant, type NewTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

interface SqlResult {
  columns: { name: string; type: string; type_oid: number }[];
  rows: unknown[][];
  row_count: number;
  command: string | null;
  truncated: boolean;
  duration_ms: number;
  read_only: boolean;
}

/** A key of SCRAM-SHA-256 that belongs to no password. */
const NO_KEY = Buffer.alloc(32).toString('base64');

const world = await startWorld();
const { api, control, server } = world;
const template = await createTemplate(world);
const shop = await createTenant(world, { templateId: template.id, maxConnections: 5 });
const other = await createTenant(world, { templateId: template.id });
const big = await createTenant(world, { isolation: 'database', ownerEmail: 'owner@example.com' });

const send = (tenant: NewTenant, sql: string, fields: object = {}, options: RequestOptions = {}) =>
  api.post<SqlResult>(`/api/tenants/${tenant.id}/sql`, { sql, ...fields }, options);
const run = async (tenant: NewTenant, sql: string, fields: object = {}) =>
  (await send(tenant, sql, fields)).expect(200).data;
const value = async (tenant: NewTenant, sql: string, fields: object = {}) =>
  (await run(tenant, sql, fields)).rows[0]?.[0];
const refusal = async (tenant: NewTenant, sql: string, fields: object = {}) =>
  (await send(tenant, sql, fields)).expect(400).problem;

beforeAll(async () => {
  for (const tenant of [shop, other]) {
    await query(tenant.connection_string, 'INSERT INTO products (name) VALUES ($1)', [tenant.slug]);
  }
});

describe('as whom', () => {
  test.each([
    ['schema', shop],
    ['database', big],
  ])("runs as the tenant's own login, isolation %s", async (_, tenant) => {
    expect(await value(tenant, "SELECT session_user || ' ' || current_user")).toBe(
      `${tenant.username} ${tenant.username}`,
    );
  });

  test("sees its own rows, and another's not", async () => {
    expect(await value(shop, 'SELECT name FROM products')).toBe(shop.slug);
    expect(await value(shop, 'SELECT slug FROM tenants')).toBe(shop.slug);
    const { detail } = await refusal(shop, `SELECT * FROM ${other.schema_name}.products`);
    expect(detail).toContain('42501');
  });

  test.each([
    ['SET ROLE', () => `SET ROLE ${other.username}`],
    ['SET ROLE to the provisioner', () => `SET ROLE ${shop.database_name}_provisioner`],
    ['SET SESSION AUTHORIZATION', () => `SET SESSION AUTHORIZATION ${other.username}`],
    ['a DO block', () => `DO $$ BEGIN PERFORM set_config('role', '${other.username}', false); END $$`],
  ])('%s leads nowhere', async (_, sql) => {
    expect((await refusal(shop, sql(), { readOnly: false })).detail).toContain('42501');
  });

  test('RESET ROLE leads to where it was, and nothing of a session stays', async () => {
    await run(shop, 'RESET ROLE');
    await run(shop, `SET search_path = ${other.schema_name}`);
    await run(shop, 'LISTEN anything');

    expect(await value(shop, 'SELECT current_user')).toBe(shop.username);
    expect(await value(shop, 'SELECT name FROM products')).toBe(shop.slug);
    expect(await query(shop.connection_string, 'SELECT pg_listening_channels()')).toEqual([]);
  });

  test('refuses a suspended tenant', async () => {
    const asleep = await createTenant(world);
    (await api.post(`/api/tenants/${asleep.id}/suspend`, {})).expect(200);

    expect((await send(asleep, 'SELECT 1')).expect(409).problem.code).toBe('CONFLICT');
  });

  test('explains that the password was changed by hand', async () => {
    const changed = await createTenant(world);
    await server.query(`ALTER ROLE ${changed.username} PASSWORD 'by hand'`);

    const { code, detail } = (await send(changed, 'SELECT 1')).expect(409).problem;
    expect(code).toBe('CONFLICT');
    expect(detail).toContain('Rotate the credentials');
  });

  test.each([
    ['that takes too long to prove', (verifier: string) => verifier.replace(/\$\d+:/, '$$1000000:')],
    ['whose server proves another key', (verifier: string) => verifier.replace(/:[^:]+$/, `:${NO_KEY}`)],
  ])('explains that the tenant stored a verifier %s', async (_, change) => {
    const changed = await createTenant(world);
    const verifier = change(await scramVerifier(changed.password));
    await query(changed.connection_string, `ALTER ROLE CURRENT_USER PASSWORD '${verifier}'`);

    const { code, detail } = (await send(changed, 'SELECT 1')).expect(409).problem;
    expect(code).toBe('CONFLICT');
    expect(detail).toContain('Rotate the credentials');

    (await api.post(`/api/tenants/${changed.id}/rotate-credentials`, {})).expect(200);
    expect(await value(changed, 'SELECT 1')).toBe(1);
  });

  test('explains that it does not know the password', async () => {
    const unknown = await createTenant(world);
    await control.query('UPDATE tenants SET password_ciphertext = NULL WHERE id = $1', [unknown.id]);

    expect((await send(unknown, 'SELECT 1')).expect(409).problem.detail).toContain('ENCRYPTION_KEY');
  });

  test('is busy, not away, when the tenant has no connection free', async () => {
    const narrow = await createTenant(world, { maxConnections: 1 });
    const session = await connect(narrow.connection_string);

    const answer = await send(narrow, 'SELECT 1');

    await session.end();
    expect(answer.expect(409).problem).toMatchObject({ code: 'RESOURCE_BUSY', retryable: true });
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

describe('the answer', () => {
  test('has typed columns, and values as JSON holds them', async () => {
    const { columns, rows, ...rest } = await run(
      big,
      `SELECT 1::smallint, 2, 3::bigint, 4.50::numeric(10,2), 0.1::float8, 'NaN'::float8, true, NULL::text,
              '{"a": [1]}'::jsonb, 'null'::json, '\\x6869'::bytea, '2025-06-01'::date,
              '2025-06-01 12:00:00+00'::timestamptz, '1 day'::interval, ARRAY[1,NULL], ARRAY['a,b'],
              '6c84fb90-12c4-11e1-840d-7b25c5ee775a'::uuid, 'x'::varchar(20) AS twice, 'y' AS twice`,
    );

    expect(rows).toEqual([
      [
        1,
        2,
        '3',
        '4.50',
        0.1,
        'NaN',
        true,
        null,
        '{"a": [1]}',
        'null',
        '\\x6869',
        '2025-06-01',
        '2025-06-01 12:00:00+00',
        '1 day',
        [1, null],
        ['a,b'],
        '6c84fb90-12c4-11e1-840d-7b25c5ee775a',
        'x',
        'y',
      ],
    ]);
    expect(columns.map(({ type }) => type)).toEqual([
      'smallint',
      'integer',
      'bigint',
      'numeric(10,2)',
      'double precision',
      'double precision',
      'boolean',
      'text',
      'jsonb',
      'json',
      'bytea',
      'date',
      'timestamp with time zone',
      'interval',
      'integer[]',
      'text[]',
      'uuid',
      'character varying(20)',
      'text',
    ]);
    expect(columns.slice(-2).map(({ name }) => name)).toEqual(['twice', 'twice']);
    expect(columns[1]?.type_oid).toBe(23);
    expect(rest).toMatchObject({ row_count: 1, command: 'SELECT', truncated: false, read_only: true });
  });

  test('is the same whatever the tenant has set for its role', async () => {
    await query(
      big.connection_string,
      `ALTER ROLE CURRENT_USER SET bytea_output = 'escape'; ALTER ROLE CURRENT_USER SET datestyle = 'German';
       ALTER ROLE CURRENT_USER SET intervalstyle = 'sql_standard'; ALTER ROLE CURRENT_USER SET array_nulls = off`,
    );

    const sql = "SELECT 'hi'::bytea, date '2025-06-01', interval '1 day', $1::text[]";
    expect((await run(big, sql, { parameters: [['NULL', null]] })).rows).toEqual([
      ['\\x6869', '2025-06-01', '1 day', ['NULL', null]],
    ]);
  });

  test.each([
    ['text', '$1::text', 'it\'s "x"', 'it\'s "x"'],
    ['a number', '$1::numeric + 1', 1.5, '2.5'],
    ['a boolean', 'NOT $1::boolean', true, false],
    ['null', '$1::int IS NULL', null, true],
    ['a list', '$1::int[]', [1, null, 3], [1, null, 3]],
    [
      'a list of lists',
      '$1::int[]',
      [
        [1, 2],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['a list of text', '$1::text[]', ['a,"b\\', 'NULL', null], ['a,"b\\', 'NULL', null]],
    ['an object', "$1::jsonb -> 'a'", { a: { b: 1 } }, '{"b": 1}'],
    ['a list for json', '$1::json', [1, 'x'], '[1,"x"]'],
    [
      'json as its text',
      '$1::json',
      '{"a": 1.10, "a": 9007199254740993}',
      '{"a": 1.10, "a": 9007199254740993}',
    ],
    ['a list of json', '$1::jsonb[]', [{ a: 1 }, [2], '"text"', null], ['{"a": 1}', '[2]', '"text"', null]],
    ['text for a date', '$1::date + 1', '2025-02-28', '2025-03-01'],
  ])('takes %s as a parameter', async (_, expression, parameter, expected) => {
    expect(await value(shop, `SELECT ${expression}`, { parameters: [parameter] })).toEqual(expected);
  });

  test.each([
    ['json', '{"id": 9007199254740993, "x": 1e400, "n": 1.10, "n": 2, "t": "\\u00e9"}'],
    ['jsonb', '{"id": 9007199254740993, "x": 1e400, "n": 1.10}'],
    ['jsonb', '"text"'],
    ['jsonb', 'null'],
    ['json[]', '{"{\\"n\\": 1.10}",NULL,"null"}'],
    ['documents', '{"id": 9007199254740993}'],
    ['documents[]', '{"{\\"id\\": 9007199254740993}"}'],
    ['priced', '(1.10,"{""id"": 9007199254740993}")'],
    ['priced[]', '{"(1.10,\\"{\\"\\"id\\"\\": 9007199254740993}\\")"}'],
    ['bigint[]', '{9223372036854775807,NULL,-9223372036854775808}'],
    ['numeric[]', '{1.10,NaN,1e200}'],
    ['double precision', '-0'],
    ['double precision', '5e-324'],
    ['double precision[]', '{-0,NaN,-Infinity,0.1,1e300}'],
    ['real[]', '{1.1754944e-38,3.4028235e+38,0.1}'],
    ['integer[]', '[2:3]={5,6}'],
    ['integer[]', '{{1,NULL},{3,4}}'],
    ['integer[]', '{}'],
    ['text[]', '{"a,b",NULL,"NULL","","{x}","\\\\"}'],
    ['box[]', '{(3,3),(1,1);(1,1),(0,0)}'],
    ['bytea[]', '{"\\\\x00ff"}'],
    ['date', '0044-03-15 BC'],
    ['timestamptz[]', '{-infinity,"0044-03-15 12:00:00.000001+00 BC"}'],
    ['interval', '-1 year 2 days -03:04:05.000006'],
    ['money', '-92233720368547758.08'],
    ['int8range', '[1,9223372036854775807)'],
    ['nummultirange', '{[1.10,2.20),[3,)}'],
    ['oid', '4294967295'],
    ['oidvector', '1 2'],
  ])('gives a %s that comes back as it was: %s', async (type, text) => {
    await query(
      big.connection_string,
      `DO $$ BEGIN
         CREATE DOMAIN documents AS jsonb;
         CREATE TYPE priced AS (price numeric, document jsonb);
       EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );

    const given = await value(big, `SELECT '${text}'::${type}`);

    const same = `SELECT ($1::${type})::text = ('${text}'::${type})::text`;
    expect(await value(big, same, { parameters: [given] })).toBe(true);
  });

  test('refuses numbers that lost digits on their way', async () => {
    const body = (parameter: string) =>
      fetch(`${api.baseUrl}/api/tenants/${shop.id}/sql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': world.config.apiKey ?? '' },
        body: `{"sql": "SELECT $1::jsonb", "parameters": [${parameter}]}`,
      });

    for (const parameter of ['9007199254740993', '{"a": [9007199254740993]}', '{"x": 1e400}']) {
      const answer = await body(parameter);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('2^53');
    }
    expect((await body('"{\\"a\\": 9007199254740993}"')).status).toBe(200);
  });

  test('names parameters that do not fit', async () => {
    expect(await refusal(shop, 'SELECT $1::int, $2::int', { parameters: [1] })).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ field: 'parameters', message: expect.stringContaining('2 values') }],
    });
    expect(await refusal(shop, 'SELECT $1::int', { parameters: [[1]] })).toMatchObject({
      errors: [{ field: 'parameters.0', message: expect.stringContaining('integer') }],
    });
    expect(await refusal(shop, 'SELECT $1::int', { parameters: ['x'] })).toMatchObject({
      code: 'SQL_ERROR',
      errors: [{ field: 'parameters', message: expect.stringContaining('22P02') }],
    });
  });
});

describe('what is no statement', () => {
  test.each([
    ['two statements', 'SELECT 1; SELECT 2', 'multiple commands'],
    [
      'two statements, the first a write',
      "INSERT INTO settings VALUES ('x', 'y'); SELECT 1",
      'multiple commands',
    ],
    ['nothing but a comment', '-- nothing', 'no statement'],
    ['a syntax error', 'SELECT\n  FROM WHERE', 'line 2, column 8: syntax error'],
    [
      'an unknown table',
      'SELECT * FROM nowhere',
      'line 1, column 15: relation "nowhere" does not exist (SQLSTATE 42P01)',
    ],
    ['a misspelt column', 'SELECT nam FROM products', 'hint: Perhaps you meant'],
    ['a COMMIT', 'COMMIT', 'ended the transaction'],
    ['a ROLLBACK', 'ROLLBACK', 'ended the transaction'],
    ['a COMMIT that begins the next transaction', 'COMMIT AND CHAIN', 'ended the transaction'],
    ['a ROLLBACK that does', '/* first */ ROLLBACK AND CHAIN', 'ended the transaction'],
    ['an ABORT behind a comment', '-- first\rABORT', 'ended the transaction'],
    ['PREPARE TRANSACTION', "PREPARE TRANSACTION 'later'", 'ended the transaction'],
    ['the end of a prepared transaction', "ROLLBACK PREPARED 'earlier'", 'ended the transaction'],
    ['a COMMIT in a DO block', 'DO $$ BEGIN COMMIT; END $$', 'invalid transaction termination'],
    ['a ROLLBACK AND CHAIN in a DO block', 'DO $$ BEGIN ROLLBACK AND CHAIN; END $$', '2D000'],
    ['COPY to the client', 'COPY products TO STDOUT', 'COPY'],
    ['COPY of a lot to the client', 'COPY (SELECT generate_series(1, 10000000)) TO STDOUT', 'COPY'],
    ['VACUUM', 'VACUUM', 'cannot run inside a transaction block'],
    ['a parameter of unknown type', 'SELECT pg_typeof($1)', '42P18'],
    ['what the tenant may not read', 'SELECT * FROM pg_catalog.pg_authid', '42501'],
    ['a constant without a value', 'SELECT 1 / 0', '22012'],
    ['its own end', 'SELECT pg_terminate_backend(pg_backend_pid())', '57P01'],
  ])('refuses %s by name', async (_, sql, message) => {
    const { code, errors } = await refusal(shop, sql);

    expect(code).toBe('SQL_ERROR');
    expect(errors?.[0]).toMatchObject({ field: 'sql', message: expect.stringContaining(message) });
  });

  test('refuses a procedure that commits, also where it may write', async () => {
    await query(
      big.connection_string,
      `CREATE TABLE marks (a int);
       CREATE PROCEDURE mark() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO marks VALUES (1); COMMIT; END $$`,
    );

    const { errors } = await refusal(big, 'CALL mark()', { readOnly: false });

    expect(errors?.[0]?.message).toContain('2D000');
    expect(await query(big.connection_string, 'SELECT * FROM marks')).toEqual([]);
  });

  test('blames the statement for what no parameter of it caused', async () => {
    const sql = 'SELECT rolname FROM pg_catalog.pg_authid WHERE oid = $1';
    const { errors } = await refusal(shop, sql, { parameters: [10] });

    expect(errors?.[0]).toMatchObject({ field: 'sql', message: expect.stringContaining('42501') });
  });

  test('refuses COPY from the client, also where it may write', async () => {
    const { errors } = await refusal(shop, 'COPY settings FROM STDIN', { readOnly: false });

    expect(errors?.[0]?.message).toContain('COPY');
  });

  test('names every bad field', async () => {
    const answer = await send(shop, '', {
      maxRows: 0,
      maxBytes: 9_000_000,
      timeoutMs: 300_001,
      parameters: {},
      x: 1,
    });

    expect(answer.expect(400).badFields.sort()).toEqual([
      'maxBytes',
      'maxRows',
      'parameters',
      'sql',
      'timeoutMs',
      'x',
    ]);
  });
});

describe('read-only', () => {
  const WRITE = "INSERT INTO settings VALUES ('read', 'only')";
  const READ_ONLY = '25006';

  test.each([
    ['a write', WRITE],
    ['a write in a CTE', `WITH w AS (${WRITE} RETURNING 1) SELECT * FROM w`],
    ['a DO block', `DO $$ BEGIN ${WRITE}; END $$`],
    ['a DO block that asks for more', `DO $$ BEGIN SET TRANSACTION READ WRITE; ${WRITE}; END $$`],
    [
      'a DO block with set_config',
      `DO $$ BEGIN PERFORM set_config('transaction_read_only', 'off', false); ${WRITE}; END $$`,
    ],
    ['a DO block that commits', `DO $$ BEGIN COMMIT; ${WRITE}; END $$`],
    ['set_config', "SELECT set_config('transaction_read_only', 'off', true)"],
    ['SET TRANSACTION', 'SET TRANSACTION READ WRITE'],
    ['a sequence', "SELECT nextval('products_id_seq')"],
    ['DDL', 'CREATE TEMP TABLE x (a int)'],
  ])('%s is refused', async (_, sql) => {
    await refusal(shop, sql);
    expect(await query(shop.connection_string, "SELECT * FROM settings WHERE key = 'read'")).toEqual([]);
  });

  test('what a statement sets for the session is of no use to it', async () => {
    await run(shop, 'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE');
    await run(shop, "SELECT set_config('default_transaction_read_only', 'off', false)");

    expect((await refusal(shop, WRITE)).detail).toContain(READ_ONLY);
  });

  test('what a read-only transaction lets through is rolled back', async () => {
    await send(big, 'SELECT lo_create(0)');

    expect(await query(big.connection_string, 'SELECT oid FROM pg_largeobject_metadata')).toEqual([]);
  });

  test('writes where it is asked to, whole or not at all', async () => {
    const written = await run(shop, "INSERT INTO settings SELECT 'k' || n, $1 FROM generate_series(1, 3) n", {
      readOnly: false,
      parameters: ['v'],
    });
    expect(written).toMatchObject({
      command: 'INSERT',
      row_count: 3,
      rows: [],
      columns: [],
      read_only: false,
    });

    await refusal(
      shop,
      "INSERT INTO settings SELECT 'z' || n, (1 / (5 - n))::text FROM generate_series(1, 9) n",
      {
        readOnly: false,
      },
    );
    const keys = await query(
      shop.connection_string,
      "SELECT key FROM settings WHERE key ~ '^[kz]' ORDER BY 1",
    );
    expect(keys.map(({ key }) => key)).toEqual(['k1', 'k2', 'k3']);
  });

  test('a deferred constraint that fails at the end is told', async () => {
    await query(big.connection_string, 'CREATE TABLE late (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)');

    const { errors } = await refusal(big, 'INSERT INTO late VALUES (1), (1)', { readOnly: false });
    expect(errors?.[0]?.message).toContain('23505');
    expect(await query(big.connection_string, 'SELECT * FROM late')).toEqual([]);
  });

  test('needs the scope tenants:write to write', async () => {
    const { key } = (
      await api.post<{ key: string }>('/api/api-keys', { name: 'sql', scopes: ['tenants:sql'] })
    ).data;

    const options = { key };
    (await send(shop, 'SELECT 1', {}, options)).expect(200);
    expect((await send(shop, 'SELECT 1', { readOnly: false }, options)).expect(403).problem.code).toBe(
      'INSUFFICIENT_SCOPE',
    );
  });
});

describe('limits', () => {
  const heapOf = async (work: () => Promise<unknown>) => {
    const before = process.memoryUsage();
    let peak = 0;
    const timer = setInterval(() => {
      const { heapUsed, external } = process.memoryUsage();
      peak = Math.max(peak, heapUsed + external - before.heapUsed - before.external);
    }, 5);
    await work();
    clearInterval(timer);
    return peak / 1024 / 1024;
  };

  test('gives the first rows of ten million, in no time', async () => {
    const megabytes = await heapOf(async () => {
      const answer = await run(shop, 'SELECT n FROM generate_series(1, 10000000) n');
      expect(answer).toMatchObject({ row_count: 1000, truncated: true, command: null });
      expect(answer.rows.at(-1)).toEqual([1000]);
    });

    expect(megabytes).toBeLessThan(60);
  });

  test('tells apart exactly as many rows as wanted, and one more', async () => {
    const rows = (count: number) => run(shop, `SELECT generate_series(1, ${count})`, { maxRows: 3 });

    expect(await rows(3)).toMatchObject({ row_count: 3, truncated: false, command: 'SELECT' });
    expect(await rows(4)).toMatchObject({ row_count: 3, truncated: true });
  });

  test('leaves out what does not fit into the bytes', async () => {
    const answer = await run(shop, "SELECT n, repeat('x', 100) FROM generate_series(1, 100) n", {
      maxBytes: 1_000,
    });

    expect(answer.truncated).toBe(true);
    expect(answer.rows.length).toBeGreaterThan(5);
    expect(answer.rows.length).toBeLessThan(10);
  });

  test('never holds a value of half a gigabyte', async () => {
    const megabytes = await heapOf(async () => {
      const sql = "SELECT '1' UNION ALL SELECT repeat(repeat('x', 500000), 1000)";
      expect(await run(shop, sql)).toMatchObject({ rows: [['1']], row_count: 1, truncated: true });
    });

    expect(megabytes).toBeLessThan(100);
    expect(await value(shop, 'SELECT 1')).toBe(1);
  });

  test('a write whose answer is cut short is done whole', async () => {
    const sql = "INSERT INTO settings SELECT 'long' || n, 'x' FROM generate_series(1, 5000) n RETURNING key";
    const answer = await run(shop, sql, { readOnly: false, maxRows: 2 });

    expect(answer).toMatchObject({
      rows: [['long1'], ['long2']],
      row_count: 5000,
      truncated: true,
      command: 'INSERT',
    });
    expect(await value(shop, "SELECT count(*)::int FROM settings WHERE key LIKE 'long%'")).toBe(5000);
  });

  test('a write whose answer is a value without end is undone', async () => {
    const sql = "INSERT INTO settings VALUES ('huge', 'x') RETURNING repeat(repeat('x', 30000), 1000)";

    expect((await refusal(shop, sql, { readOnly: false })).detail).toContain('maxBytes');
    expect(await value(shop, "SELECT count(*)::int FROM settings WHERE key = 'huge'")).toBe(0);
  });

  test.each([
    ['a sleep of ten minutes', 'SELECT pg_sleep(600)'],
    [
      'one that switches the timeout off',
      "SELECT set_config('statement_timeout', '0', false), pg_sleep(600)",
    ],
    [
      'one that catches its cancellation',
      `DO $$ BEGIN PERFORM set_config('statement_timeout', '0', false); LOOP
         BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`,
    ],
  ])('ends %s at its time', async (_, sql) => {
    const answer = await send(shop, sql, { timeoutMs: 300 });

    expect(answer.expect(504).problem.code).toBe('STATEMENT_TIMED_OUT');
    await nothingRuns();
  });

  test('a client that leaves takes its statement with it', async () => {
    const leaving = new AbortController();
    const asked = fetch(`${api.baseUrl}/api/tenants/${shop.id}/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': world.config.apiKey ?? '' },
      body: JSON.stringify({ sql: 'SELECT pg_sleep(600)' }),
      signal: leaving.signal,
    });
    await until('the statement runs', async () => (await running()).length === 1);

    leaving.abort();

    await expect(asked).rejects.toThrow();
    await nothingRuns();
    await until('it is audited', async () => {
      const [row] = await control.query(
        'SELECT error_code FROM audit_logs ORDER BY occurred_at DESC LIMIT 1',
      );
      return row?.error_code === 'OPERATION_CANCELLED';
    });
  });

  test('runs two at once for a tenant, and tells the third to come again', async () => {
    const gate = await closeGate();
    const first = [1, 2].map(() => send(shop, THROUGH_GATE));
    await until('both run', async () => (await running()).length === 2);

    const third = await send(shop, 'SELECT 1');
    const elsewhere = await send(other, 'SELECT 1');

    expect(third.expect(429).problem.code).toBe('RATE_LIMITED');
    expect(third.headers.get('retry-after')).toBe('1');
    elsewhere.expect(200);
    await gate.end();
    for (const answer of await Promise.all(first)) answer.expect(200);
    (await send(shop, 'SELECT 1')).expect(200);
  });
});

const THROUGH_GATE = 'SELECT pg_advisory_xact_lock_shared(1)';

/** Statements that go through the gate run until it is opened: `end()`. */
async function closeGate(): Promise<Client> {
  const gate = await connect(shop.connection_string);
  onTestFinished(() => gate.end().catch(() => undefined));
  await gate.query('SELECT pg_advisory_lock(1)');
  return gate;
}

function running() {
  return server.query(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'rowhouse-sql' AND state = 'active'",
  );
}

async function nothingRuns(): Promise<void> {
  await until('nothing runs', async () => (await running()).length === 0);
}

test('the audit trail has checksum and figures, neither text nor parameters', async () => {
  const sql = "SELECT 'a secret', $1::text";
  const answer = (await send(shop, sql, { parameters: ['another secret'] })).expect(200);
  const failed = await send(shop, 'SELECT secret');

  const [row] = await control.query('SELECT * FROM audit_logs WHERE request_id = $1', [answer.requestId]);
  expect(row).toMatchObject({
    action: 'tenant.sql',
    resource_type: 'tenant',
    resource_id: shop.id,
    outcome: 'succeeded',
    after: {
      sql_sha256: createHash('sha256').update(sql).digest('hex'),
      sql_length: sql.length,
      parameter_count: 1,
      read_only: true,
      row_count: 1,
      truncated: false,
      duration_ms: expect.any(Number),
    },
  });
  expect(JSON.stringify(row)).not.toContain('secret');
  const [failure] = await control.query('SELECT * FROM audit_logs WHERE request_id = $1', [failed.requestId]);
  expect(failure).toMatchObject({ outcome: 'failed', error_code: 'SQL_ERROR', after: { sqlstate: '42703' } });
});

test('a write leaves its first trace before it begins', async () => {
  const answer = (await send(shop, "UPDATE settings SET value = 'x'", { readOnly: false })).expect(200);

  const rows = await control.query(
    'SELECT outcome FROM audit_logs WHERE request_id = $1 ORDER BY occurred_at',
    [answer.requestId],
  );
  expect(rows.map(({ outcome }) => outcome)).toEqual(['accepted', 'succeeded']);
});

test('an unknown tenant is not found', async () => {
  const nobody = { ...shop, id: '00000000-0000-4000-8000-000000000000' };

  expect((await send(nobody, 'SELECT 1')).expect(404).problem.code).toBe('NOT_FOUND');
});

test('a statement holds its Idempotency-Key for as long as it may run, so that it never runs twice', async () => {
  const gate = await closeGate();
  const running = send(shop, THROUGH_GATE, {}, { idempotencyKey: 'slow-statement' });

  const seconds = await until('the key is held', async () => {
    const [key] = await control.query<{ seconds: number }>(
      `SELECT extract(epoch FROM locked_until - now())::int AS seconds FROM idempotency_keys
       WHERE idempotency_key = 'slow-statement' AND response_status IS NULL`,
    );
    return key?.seconds;
  });

  expect(seconds).toBeGreaterThan(300);
  await gate.end();
  (await running).expect(200);
});
