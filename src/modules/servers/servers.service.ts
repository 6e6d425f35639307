import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound } from '../../kernel/errors.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { RECONCILE_SERVER } from './reconcile-server.js';
import type { ReconcileServerDto, ReconciliationReportDto } from './reconciliation.dto.js';
import { type ServerDto, toServerDto } from './server.dto.js';

@Injectable()
export class ServersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly servers: ServerRegistry,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  list(): Page<ServerDto> {
    return new Page(this.servers.list().map(toServerDto), null);
  }

  get(id: string): ServerDto {
    const found = this.servers.list().find((server) => server.id === id);
    if (!found) throw notFound('server', id);
    return toServerDto(found);
  }

  async reconcile(
    context: RequestContext,
    id: string,
    { repair = false }: ReconcileServerDto,
  ): Promise<OperationReply<ReconciliationReportDto>> {
    this.servers.get(id);
    const operation = await this.dataSource.transaction(async (tx) => {
      const spec = { kind: RECONCILE_SERVER, subjectType: 'server', subjectId: id, input: { repair } };
      const created = await this.operations.create(tx, context, spec);
      await this.audit.record(tx, context, {
        action: RECONCILE_SERVER,
        resourceType: 'server',
        resourceId: id,
        operationId: created.id,
        after: { repair },
        outcome: 'accepted',
      });
      return created;
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => ended.result as unknown as ReconciliationReportDto,
    });
  }
}
