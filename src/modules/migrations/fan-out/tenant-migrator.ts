import { Injectable } from '@nestjs/common';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';
import { HostConnections } from '../../../provisioning/tenancy/hosts/host-connections.js';
import { HostExtensions } from '../../../provisioning/tenancy/hosts/host-extensions.js';
import { TenantDirectory } from '../../../provisioning/tenancy/schemas/tenant-directory.js';
import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { VersionRunner } from '../../../provisioning/tenancy/versions/version-runner.js';
import { HostSession } from './host-session.js';
import type { RunContext, Versions } from './run-context.js';
import type { QueuedTenant } from './tenant-queue.js';

/** Brings single tenants to the version. */
@Injectable()
export class TenantMigrator {
  constructor(
    private readonly servers: ServerRegistry,
    private readonly directory: TenantDirectory,
    private readonly connections: HostConnections,
    private readonly extensions: HostExtensions,
    private readonly runner: VersionRunner,
  ) {}

  /** A session in the tenant's database, which has what the version needs. */
  async open(home: TenantHome, version: number): Promise<HostSession> {
    const server = this.servers.get(home.serverId);
    const session = await HostSession.open(this.connections, server, home);
    try {
      const { databaseName, templateId } = home;
      if (templateId !== null)
        await this.extensions.ensure(session.client, { server, databaseName }, { templateId, version });
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Throws VersionFailed, after which the session is as good as before, or what the connection ended with. */
  async migrate(
    { client }: HostSession,
    tenant: QueuedTenant,
    { context, versions }: { context: RunContext; versions: Versions },
  ): Promise<void> {
    const { schemaName, schemaOid } = tenant.home;
    const { lockTimeoutMs, statementTimeoutMs } = context.migration.strategy;
    for (const version of versions) {
      if (version.number <= tenant.version) continue;
      const order = { schemaName, schemaOid, version, lockTimeoutMs, statementTimeoutMs };
      await this.runner.apply(client, order, context.signal);
      tenant.version = version.number;
    }
  }

  /** Returns when what was migrated in this session outlives a crash of the server. */
  flush({ client }: HostSession): Promise<void> {
    return this.runner.flush(client);
  }

  /** Throws when the tenant's server is away: then it is no matter of this tenant. */
  async assertServerAnswers({ serverId }: TenantHome): Promise<void> {
    await this.servers.get(serverId).postgres.ping();
  }

  /** Whether the tenant was deleted, or is just being deleted. */
  async isGone({ id }: TenantHome): Promise<boolean> {
    const home = await this.directory.find(id);
    return home === null || home.status === 'deleting';
  }

  serverOf({ serverId }: TenantHome): ManagedServer {
    return this.servers.get(serverId);
  }
}
