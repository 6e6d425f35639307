import { Inject, Injectable, Logger } from '@nestjs/common';
import { Client, DatabaseError, type QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import { CONFIG, type Config, type PoolerConfig } from '../../config/config.js';
import { entranceOptions } from '../../infra/postgres/entrance.js';
import type { ManagedServer } from '../managed-server.js';
import type { AccessPort } from './access-plan.js';

const FIND_OWN_ADDRESS = 'SELECT pg_catalog.host(pg_catalog.inet_client_addr()) AS address';
const REMEMBER = `
  INSERT INTO access_peers (server_id, port, address) VALUES ($1, $2, $3)
  ON CONFLICT (server_id, port, address) DO UPDATE SET seen_at = now()`;

interface OwnAddress extends QueryResultRow {
  /** Null over a Unix socket. */
  readonly address: string | null;
}

/** Finds out from where Rowhouse and the pooler come, as the other side sees them. */
@Injectable()
export class AccessPeers {
  private readonly logger = new Logger(AccessPeers.name);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * Writes down this process's own addresses; over Unix sockets there are none. Returns false when the pooler did not
   * let itself be asked for its own.
   */
  async measure(server: ManagedServer): Promise<boolean> {
    const [row] = await server.postgres.query<OwnAddress>(FIND_OWN_ADDRESS);
    await this.remember(server, 'direct', row?.address ?? null);
    if (!server.pooler || !server.config.pooler) return true;
    await this.remember(server, 'pooled', await server.pooler.ownAddress());
    const seen = await this.addressOfPooler(server.config.pooler);
    await this.remember(server, 'direct', seen?.address ?? null);
    return seen !== null;
  }

  private async remember({ id }: ManagedServer, port: AccessPort, address: string | null): Promise<void> {
    if (address !== null) await this.dataSource.query(REMEMBER, [id, port, address]);
  }

  /** As PostgreSQL sees it: Rowhouse's own user comes through it into the control database. */
  private async addressOfPooler(pooler: PoolerConfig): Promise<OwnAddress | null> {
    const { control, server, caFile } = this.config;
    const client = new Client({
      ...entranceOptions(pooler, server.tls, caFile),
      user: control.user,
      password: control.password,
      database: control.database,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<OwnAddress>(FIND_OWN_ADDRESS);
      return rows[0] ?? null;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      this.logger.warn('PgBouncer does not show from where it reaches PostgreSQL', error);
      return null;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
