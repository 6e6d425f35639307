import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { HostReader } from '../../provisioning/tenancy/hosts/host-reader.js';
import { LeakProbeStore } from '../../provisioning/tenancy/leaks/leak-probe-store.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import type { LeakReportDto } from './leak-report.dto.js';

/** Self-tests of hosts. */
@Injectable()
export class LeakTestService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly databases: ManagedDatabases,
    private readonly hosts: HostReader,
    private readonly servers: ServerRegistry,
    private readonly store: LeakProbeStore,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  async run(context: RequestContext, databaseId: string): Promise<OperationReply<LeakReportDto>> {
    const { serverId, status } = await this.databases.get(databaseId);
    if (status !== 'active')
      throw new RowhouseError('CONFLICT', `The database is ${status}; this needs it to be active.`);
    await this.assertHost(databaseId);
    this.assertPooler(serverId);
    const operation = await this.begin(context, { serverId, databaseId });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => ended.result as unknown as LeakReportDto,
    });
  }

  private begin(
    context: RequestContext,
    { serverId, databaseId }: { serverId: string; databaseId: string },
  ): Promise<Operation> {
    return this.dataSource.transaction(async (tx) => {
      const operation = await this.operations.create(tx, context, {
        kind: 'host.leak_test',
        subjectType: 'database',
        subjectId: databaseId,
        input: {},
      });
      await this.store.insert(tx, { id: operation.id, serverId, databaseId });
      await this.audit.record(tx, context, {
        action: 'host.leak_test',
        resourceType: 'database',
        resourceId: databaseId,
        operationId: operation.id,
        outcome: 'accepted',
      });
      return operation;
    });
  }

  private async assertHost(databaseId: string): Promise<void> {
    const host = await this.hosts.find(databaseId);
    if (!host) {
      throw new RowhouseError(
        'NOT_FOUND',
        'The database is no tenant host. Make it one: POST /api/databases/:id/host.',
      );
    }
    if (host.status !== 'ready')
      throw new RowhouseError('CONFLICT', `The host is ${host.status}; this needs it to be ready.`);
  }

  private assertPooler(serverId: string): void {
    const { pooler } = this.servers.get(serverId).config;
    if (pooler?.configDir) return;
    throw new RowhouseError(
      'CONFLICT',
      pooler
        ? 'Rowhouse does not write the configuration of this pooler (PGBOUNCER_CONFIG_DIR), so it cannot limit an alias to one server connection.'
        : 'The server has no pooler, so no connection goes from one tenant to another.',
    );
  }
}
