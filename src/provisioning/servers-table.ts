import type { DataSource } from 'typeorm';
import type { ServerConfig } from '../config/config.js';
import type { ManagedServer } from './managed-server.js';

const REGISTER = `
  INSERT INTO servers (id, name, host, port, pooler_host, pooler_port) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (name) DO UPDATE
    SET host = EXCLUDED.host, port = EXCLUDED.port, pooler_host = EXCLUDED.pooler_host,
        pooler_port = EXCLUDED.pooler_port, updated_at = now()
  RETURNING id`;

const RECORD_FACTS = `
  UPDATE servers SET server_version = $2, max_connections = $3, pooler_version = $4, updated_at = now() WHERE id = $1`;

/** Makes or refreshes the row of a server. Returns the id, which stays the same from the first time on. */
export async function registerServer(
  dataSource: DataSource,
  { id, name, config: { host, port, pooler } }: { id: string; name: string; config: ServerConfig },
): Promise<string> {
  const values = [id, name, host, port, pooler?.host ?? null, pooler?.port ?? null];
  const [row]: { id: string }[] = await dataSource.query(REGISTER, values);
  if (!row) throw new Error('the server could not be registered');
  return row.id;
}

export async function recordFacts(dataSource: DataSource, { id, facts }: ManagedServer): Promise<void> {
  await dataSource.query(RECORD_FACTS, [
    id,
    facts.serverVersionNum,
    facts.maxConnections,
    facts.poolerVersion,
  ]);
}
