import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { createTemplate, createTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api } = world;
const template = await createTemplate(world);
const tenant = await createTenant(world, { templateId: template.id });

const folder = await mkdtemp(join(tmpdir(), 'rowhouse-formats-'));
afterAll(() => rm(folder, { recursive: true }));
const caFile = join(folder, 'rowhouse-ca.crt');
await writeFile(caFile, await (await fetch(`${api.baseUrl}/api/ca-certificate`)).text());

interface Formatted {
  formatted: string;
}

/** The text as an application would read it that runs where the CA's certificate is. */
async function formatOf(path: string, format: string): Promise<string> {
  const query = `format=${format}&reveal=true`;
  const answer = await api.get<Formatted>(`/api/${path}/connection-strings?${query}`);
  return answer.expect(200).data.formatted.replaceAll('rowhouse-ca.crt', caFile);
}

function environmentOf(text: string): Record<string, string> {
  const lines = text.matchAll(/^(\w+)="?(.*?)"?$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** As node-postgres itself reads the string. */
async function ask(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("the Prisma format of a tenant leads to its tables on both ports, as Prisma's statements name them", async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => void warnings.push(warning);
  process.on('warning', listen);
  const text = await formatOf(`tenants/${tenant.id}`, 'prisma');
  const { DATABASE_URL = '', DIRECT_URL = '', SHADOW_DATABASE_URL } = environmentOf(text);

  const [, schema] = /\{ schema: '(.*?)' \}/.exec(text) ?? [];
  await ask(DIRECT_URL, `INSERT INTO "${schema}"."products" ("name") VALUES ('Lungo')`);
  const found = await ask(DATABASE_URL, `SELECT "name" FROM "${schema}"."products"`);

  process.off('warning', listen);
  expect(found).toEqual([{ name: 'Lungo' }]);
  expect(new URL(DATABASE_URL).searchParams.get('schema')).toBe(tenant.schema_name);
  expect(new URL(DIRECT_URL).searchParams.get('schema')).toBe(tenant.schema_name);
  expect(SHADOW_DATABASE_URL).toBeUndefined();
  expect(warnings.filter(({ message }) => message.includes('SSL'))).toEqual([]);
});

test('the Prisma format of a database names its shadow database, which logs in once it was made', async () => {
  const database = await createDatabase(world);
  (await api.post(`/api/databases/${database.id}/shadow`)).expect(200);

  const text = await formatOf(`databases/${database.id}`, 'prisma');
  const { SHADOW_DATABASE_URL = '' } = environmentOf(text);

  expect(text).not.toContain('{ schema:');
  expect(await ask(SHADOW_DATABASE_URL, 'SELECT current_database() AS name')).toEqual([
    { name: `${database.database_name}_shadow` },
  ]);
});

test('the env format lets a Node process log in, by its URLs and by its variables', async () => {
  const environment = environmentOf(await formatOf(`tenants/${tenant.id}`, 'env'));
  const program = `
    import { Client } from 'pg';
    for (const connectionString of [process.env.DATABASE_URL, process.env.DIRECT_URL, undefined]) {
      const client = new Client(connectionString ? { connectionString } : {});
      await client.connect();
      const { rows } = await client.query('SELECT session_user AS name');
      console.log(rows[0].name);
      await client.end();
    }`;

  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { env: { ...process.env, ...environment } },
  );

  expect(stdout.trim().split('\n')).toEqual(Array(3).fill(tenant.username));
  expect(stderr).toBe('');
});

test("a host's logins have the words of all pooled strings", async () => {
  const path = `/api/databases/${tenant.database_id}/host?reveal=true`;
  const { app, readonly } = (await api.get<Record<'app' | 'readonly', Strings>>(path)).expect(200).data;

  for (const login of [app, readonly]) {
    expect(new URL(login.connection_string).search).toBe('?sslmode=require');
    expect(new URL(login.connection_string_pooled).search).toBe('?sslmode=require&pgbouncer=true');
  }
});

interface Strings {
  connection_string: string;
  connection_string_pooled: string;
}
