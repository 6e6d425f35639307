import { Injectable } from '@nestjs/common';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { HostReader } from '../../provisioning/tenancy/hosts/host-reader.js';
import { TenantDirectory } from '../../provisioning/tenancy/schemas/tenant-directory.js';
import { type ManagedDatabase, ManagedDatabases } from '../databases/managed-databases.js';
import type { CapacityDto, CapacityQuery } from './capacity.dto.js';
import type { CapacityFacts } from './capacity-facts.js';
import { toCapacityDto } from './capacity-presenter.js';
import { readCapacity } from './capacity-reader.js';

/** Tells what a managed database holds and how much more it can. */
@Injectable()
export class CapacityService {
  constructor(
    private readonly databases: ManagedDatabases,
    private readonly tenants: TenantDirectory,
    private readonly hosts: HostReader,
    private readonly servers: ServerRegistry,
    private readonly clock: Clock,
  ) {}

  /** Throws NOT_FOUND, CONFLICT while the database is not there, and STATEMENT_TIMED_OUT. */
  async get(id: string, { top }: CapacityQuery): Promise<CapacityDto> {
    const database = await this.databases.get(id);
    assertThere(database);
    const homes = await this.tenants.list({ databaseId: id });
    const [counts, host, facts] = await Promise.all([
      this.tenants.count(id),
      this.hosts.find(id),
      this.measure(
        database,
        homes.map(({ schemaName }) => schemaName),
      ),
    ]);
    const { maxTenants = null, room = null } = host ?? {};
    return toCapacityDto({ database, facts, homes, counts, maxTenants, room, now: this.clock.now() }, top);
  }

  private async measure(
    { serverId, databaseName }: ManagedDatabase,
    schemas: readonly string[],
  ): Promise<CapacityFacts> {
    const { postgres } = this.servers.get(serverId);
    try {
      return await postgres.inDatabase(databaseName, (client) => readCapacity(client, schemas));
    } catch (error) {
      const state = sqlState(error);
      if (state !== SQLSTATE.queryCanceled && state !== SQLSTATE.lockNotAvailable) throw error;
      throw new RowhouseError('STATEMENT_TIMED_OUT', 'The database could not be measured within 30 seconds.');
    }
  }
}

function assertThere({ status }: ManagedDatabase): void {
  if (status === 'active' || status === 'suspended') return;
  throw new RowhouseError('CONFLICT', `The database is ${status}; this needs it to be active or suspended.`);
}
