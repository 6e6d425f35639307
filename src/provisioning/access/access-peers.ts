import { Inject, Injectable, Logger } from '@nestjs/common';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { CONFIG, type Config, type PoolerConfig } from '../../config/config.js';
import { entranceOptions } from '../../infra/postgres/entrance.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import type { ManagedServer } from '../managed-server.js';
import type { AccessPort } from './access-plan.js';

const CONNECT_TIMEOUT_MS = 3_000;
const FIND_OWN_ADDRESS = 'SELECT pg_catalog.host(pg_catalog.inet_client_addr()) AS address';
const REMEMBER = `
  INSERT INTO access_peers (server_id, port, address) VALUES ($1, $2, $3)
  ON CONFLICT (server_id, port, address) DO UPDATE SET seen_at = now()`;

/** Finds out from where Rowhouse and the pooler come, as the other side sees them. */
@Injectable()
export class AccessPeers {
  private readonly logger = new Logger(AccessPeers.name);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
  ) {}

  /** Writes down this process's own addresses. Over Unix sockets there are none. */
  async measure(server: ManagedServer): Promise<void> {
    const [row] = await server.postgres.query<{ address: string | null }>(FIND_OWN_ADDRESS);
    await this.remember(server, 'direct', row?.address ?? null);
    if (!server.pooler || !server.config.pooler) return;
    await this.remember(server, 'pooled', await server.pooler.ownAddress());
    await this.remember(server, 'direct', await this.addressOfPooler(server.config.pooler));
  }

  private async remember({ id }: ManagedServer, port: AccessPort, address: string | null): Promise<void> {
    if (address !== null) await this.dataSource.query(REMEMBER, [id, port, address]);
  }

  /** As PostgreSQL sees it: Rowhouse's own user comes through it into the control database. */
  private async addressOfPooler(pooler: PoolerConfig): Promise<string | null> {
    const { control, server, caFile } = this.config;
    const client = new Client({
      ...entranceOptions(pooler, server.tls, caFile),
      user: control.user,
      password: control.password,
      database: control.database,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ address: string | null }>(FIND_OWN_ADDRESS);
      return rows[0]?.address ?? null;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      this.logger.warn('It could not be seen from where PgBouncer reaches PostgreSQL', error);
      return null;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
