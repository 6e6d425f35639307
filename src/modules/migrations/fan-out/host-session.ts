import type { PoolClient } from 'pg';
import { cleanSession } from '../../../infra/postgres/clean-session.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import type { HostConnections } from '../../../provisioning/tenancy/hosts/host-connections.js';
import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';

/** A worker's session in a hosting database. */
export class HostSession {
  private constructor(
    readonly client: PoolClient,
    private readonly isShared: boolean,
  ) {}

  static async open(
    connections: HostConnections,
    server: ManagedServer,
    { databaseName, isolation }: TenantHome,
  ): Promise<HostSession> {
    const client = await connections.connect(server, databaseName);
    return new HostSession(client, isolation === 'schema');
  }

  /** Gives it back for others. One in a tenant's own database is ended: those of many tenants would add up. */
  async leave(): Promise<void> {
    if (!this.isShared) return this.close();
    try {
      await this.client.query(cleanSession(this.client));
      this.client.release();
    } catch {
      this.close();
    }
  }

  /** Ends it, as what it is in is not known. */
  close(): void {
    this.client.release(true);
  }
}
