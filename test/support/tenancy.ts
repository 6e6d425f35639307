import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomHex } from '../../src/kernel/ids.js';
import type { RequestOptions } from './api.js';
import { createDatabase, type NewDatabase } from './databases.js';
import type { World } from './world.js';

const POS = fileURLToPath(new URL('../../sql/templates/pos/', import.meta.url));

export interface TemplateFile {
  name: string;
  sql: string;
}

export interface Template {
  id: string;
  name: string;
  latest_version: number;
}

/** What a test reads of a tenant's answer; the contract judges the rest. */
export interface Tenant {
  id: string;
  slug: string;
  name: string;
  isolation: 'schema' | 'database';
  status: string;
  database_id: string;
  database_name: string;
  schema_name: string;
  username: string;
  template_id: string | null;
  template_version: number;
  max_connections: number;
  metadata: Record<string, unknown>;
  cloned_from: string | null;
  connection_string: string;
  connection_string_pooled: string;
}

/** As its create shows it, once. */
export interface NewTenant extends Tenant {
  password: string;
}

export interface HostLogin {
  username: string;
  password?: string;
  connection_string: string;
  connection_string_pooled: string;
}

export interface Host {
  id: string;
  database_id: string;
  database_name: string;
  status: string;
  tenants: number;
  max_tenants: number;
  app: HostLogin;
  readonly: HostLogin;
}

/** Two tables, a seed, and what a leak would show. Makes a tenant in milliseconds. */
export const SMALL_TEMPLATE: readonly TemplateFile[] = [
  {
    name: '01_products.sql',
    sql: `CREATE TABLE products (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,
            parent_id bigint REFERENCES products (id), created_at timestamptz NOT NULL DEFAULT now());
          CREATE TABLE settings (key text PRIMARY KEY, value text NOT NULL);`,
  },
  { name: '90_seed.sql', sql: `INSERT INTO settings (key, value) VALUES ('currency', 'EUR');` },
];

/** The point-of-sale template that comes with Rowhouse: 51 tables. */
export function posFiles(): TemplateFile[] {
  const names = readdirSync(POS).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => ({ name, sql: readFileSync(join(POS, name), 'utf8') }));
}

export async function createTemplate(
  { api }: World,
  files: readonly TemplateFile[] = SMALL_TEMPLATE,
  name = `template-${randomHex(4)}`,
): Promise<Template> {
  return (await api.post<Template>('/api/templates', { name, files })).expect(201).data;
}

/** Its next version. */
export async function addVersion({ api }: World, { id }: { id: string }, sql: string): Promise<void> {
  (await api.post(`/api/templates/${id}/versions`, { sql })).expect(201);
}

export function tenantBody(fields: object = {}): object {
  return { slug: `shop-${randomHex(4)}`, ...fields };
}

export async function createTenant(
  { api }: World,
  fields: object = {},
  options?: RequestOptions,
): Promise<NewTenant> {
  return (await api.post<NewTenant>('/api/tenants', tenantBody(fields), options)).expect(201).data;
}

export async function deleteTenant({ api }: World, { id }: { id: string }): Promise<void> {
  (await api.delete(`/api/tenants/${id}`)).expect(200);
}

/** A managed database that hosts tenants. */
export async function createHost(
  world: World,
  fields: object = {},
): Promise<{ database: NewDatabase; host: Host }> {
  const database = await createDatabase(world);
  const answer = await world.api.post<Host>(`/api/databases/${database.id}/host`, fields);
  return { database, host: answer.expect(201).data };
}
