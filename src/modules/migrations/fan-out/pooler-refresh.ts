import { Logger } from '@nestjs/common';
import { Coalescer } from '../../../provisioning/coalescer.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import type { PoolerAliases } from '../../../provisioning/pooler-aliases.js';
import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';

/**
 * Replaces the pooled server connections of tenants whose tables have changed, each after its transaction: what a
 * session has planned before does not fit any more ("cached plan must not change result type").
 */
export class PoolerRefresh {
  private readonly logger = new Logger('Migrations');
  private readonly due = new Map<ManagedServer, Set<string>>();
  private readonly passes = new Coalescer(() => this.pass());

  constructor(private readonly aliases: PoolerAliases) {}

  /** The tenant's own pool, and the one of `_app` in its database. */
  note(server: ManagedServer, { alias, databaseName }: TenantHome): void {
    const names = this.due.get(server) ?? new Set();
    this.due.set(server, names.add(alias).add(databaseName));
  }

  /** Does it for all that were noted, in the background. */
  start(): void {
    if (this.due.size > 0) void this.passes.run();
  }

  idle(): Promise<void> {
    return this.passes.idle();
  }

  private async pass(): Promise<void> {
    const due = [...this.due];
    this.due.clear();
    for (const [server, names] of due) await this.reconnect(server, [...names]);
  }

  /** A pooler that is away has no connections to replace. */
  private async reconnect(server: ManagedServer, names: readonly string[]): Promise<void> {
    try {
      await this.aliases.reconnectAll(server, names);
    } catch (error) {
      this.logger.warn('Pooled connections were not replaced after a migration', error);
    }
  }
}
