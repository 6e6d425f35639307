import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { PartitionReportDto } from './dto/partition-report.dto.js';
import type { RunPartitionPolicyDto } from './dto/requests.dto.js';
import { PartitionPoliciesRepository } from './partition-policies.repository.js';
import { RUN_PARTITION_POLICY, type RunInput } from './run-partition-policy.js';

/** Starts runs of policies: at somebody's request, or because they are due. */
@Injectable()
export class PartitionRunsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: PartitionPoliciesRepository,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  /** Throws NOT_FOUND, and RESOURCE_BUSY while it runs already. */
  async run(
    context: RequestContext,
    id: string,
    { dryRun = false, moveDefaultRows = false }: RunPartitionPolicyDto,
  ): Promise<OperationReply<PartitionReportDto>> {
    const operation = await this.dataSource.transaction(async (tx) => {
      if (!(await this.repository.findLocked(tx, id))) throw notFound('partition policy', id);
      const input = { dryRun, moveDefaultRows };
      const created = await this.operations.create(tx, context, specOf(id, input));
      await this.record(tx, context, created, input);
      return created;
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => ended.result as unknown as PartitionReportDto,
    });
  }

  /** For whoever does the work, in the caller's transaction. Throws RESOURCE_BUSY while it runs already. */
  async enqueue(tx: EntityManager, context: RequestContext, id: string): Promise<void> {
    const input = { dryRun: false, moveDefaultRows: false };
    const operation = await this.operations.enqueue(tx, context, specOf(id, input));
    await this.record(tx, context, operation, input);
  }

  private record(
    tx: EntityManager,
    context: RequestContext,
    { id, subjectId }: Operation,
    after: RunInput,
  ): Promise<void> {
    return this.audit.record(tx, context, {
      action: RUN_PARTITION_POLICY,
      resourceType: 'partition_policy',
      resourceId: subjectId,
      operationId: id,
      after,
      outcome: 'accepted',
    });
  }
}

function specOf(subjectId: string, input: RunInput) {
  return { kind: RUN_PARTITION_POLICY, subjectType: 'partition_policy', subjectId, input: { ...input } };
}
