import { randomHex } from '../../src/kernel/ids.js';
import type { RequestOptions } from './api.js';
import type { World } from './world.js';

/** What a test reads of a database's answer; the contract judges the rest. */
export interface Database {
  id: string;
  database_name: string;
  username: string;
  friendly_name: string;
  owner_email: string;
  max_connections: number;
  status: string;
  created_at: string;
  connection_string: string;
  connection_string_pooled: string;
  shadow_database_url: string;
  shadow_database_url_pooled: string;
}

/** As its create shows it, once. */
export interface NewDatabase extends Database {
  password: string;
}

export function databaseBody(fields: object = {}): object {
  return { friendlyName: `test-${randomHex(4)}`, ownerEmail: 'owner@example.com', ...fields };
}

export async function createDatabase(
  { api }: World,
  fields: object = {},
  options?: RequestOptions,
): Promise<NewDatabase> {
  return (await api.post<NewDatabase>('/api/databases', databaseBody(fields), options)).expect(201).data;
}

export async function deleteDatabase({ api }: World, { id }: { id: string }): Promise<void> {
  (await api.delete(`/api/databases/${id}`)).expect(200);
}
