import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { OperationHandler } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { Reconciler } from '../../provisioning/reconciliation/reconciler.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { type ReconciliationReportDto, toReportDto } from './reconciliation.dto.js';

export const RECONCILE_SERVER = 'server.reconcile';

/** The operation that compares a server with the control database; its result is the report. */
@Injectable()
export class ReconcileServer implements OnModuleInit {
  /** Between the step and the end of the operation, which follow each other in one process. */
  private readonly reports = new Map<string, ReconciliationReportDto>();

  constructor(
    private readonly operations: OperationsService,
    private readonly servers: ServerRegistry,
    private readonly reconciler: Reconciler,
  ) {}

  onModuleInit(): void {
    this.operations.register(this.handler());
  }

  private handler(): OperationHandler {
    return {
      kind: RECONCILE_SERVER,
      maxAttempts: 3,
      deadlineSeconds: 600,
      whenUnavailable: 'fail',
      steps: [
        {
          name: 'compare',
          run: async ({ operation: { id, subjectId, input } }) => {
            this.reports.set(id, await this.compare(subjectId ?? '', input['repair'] === true));
          },
        },
      ],
      succeed: async (_tx, { id }) => ({ ...this.take(id) }),
      fail: async (_tx, { id }) => {
        this.reports.delete(id);
      },
    };
  }

  private async compare(serverId: string, repair: boolean): Promise<ReconciliationReportDto> {
    const server = this.servers.get(serverId);
    const report = repair ? this.reconciler.reportAndRepair(server) : this.reconciler.report(server);
    return toReportDto(await report);
  }

  private take(operationId: string): ReconciliationReportDto {
    const report = this.reports.get(operationId);
    if (!report) throw new Error('the report is gone');
    this.reports.delete(operationId);
    return report;
  }
}
