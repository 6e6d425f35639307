import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Operation, OperationHandler, OperationStep } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { PoolerAliases } from '../../provisioning/pooler-aliases.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { LeakProbeStore } from '../../provisioning/tenancy/leaks/leak-probe-store.js';
import { LeakProbes } from '../../provisioning/tenancy/leaks/leak-probes.js';
import { LeakTest } from '../../provisioning/tenancy/leaks/leak-test.js';
import { toLeakReportDto } from './leak-report.dto.js';

const CLEAR = 'host.clear_leak_test';

/** Tells the engine how a self-test is done, and how one that failed is cleared up. */
@Injectable()
export class LeakTestOperations implements OnModuleInit {
  constructor(
    private readonly operations: OperationsService,
    private readonly store: LeakProbeStore,
    private readonly probes: LeakProbes,
    private readonly test: LeakTest,
    private readonly servers: ServerRegistry,
    private readonly aliases: PoolerAliases,
  ) {}

  onModuleInit(): void {
    this.operations.register(this.leakTest());
    this.operations.register(this.clear());
  }

  private leakTest(): OperationHandler {
    return {
      kind: 'host.leak_test',
      maxAttempts: 3,
      deadlineSeconds: 300,
      whenUnavailable: 'fail',
      steps: [
        {
          name: 'pooler',
          run: async ({ operation }) => {
            const { serverId } = await this.store.get(operation.id);
            await this.aliases.sync(this.servers.get(serverId));
          },
        },
        {
          name: 'test',
          run: async ({ operation, signal }) => {
            const probe = await this.store.get(operation.id);
            const report = await this.test.run(this.servers.get(probe.serverId), probe, signal);
            await this.store.keepReport(operation.id, report);
          },
        },
        this.removal(),
      ],
      succeed: async (tx, { id, subjectId }) => {
        const { report } = await this.store.get(id, tx);
        await this.store.deleteAll(tx, subjectId ?? '');
        return report && { ...toLeakReportDto(report) };
      },
      fail: async (tx, operation) => {
        await this.operations.enqueueFollowUp(tx, operation, CLEAR);
      },
    };
  }

  private clear(): OperationHandler {
    return {
      kind: CLEAR,
      maxAttempts: 20,
      deadlineSeconds: 3_600,
      whenUnavailable: 'retry',
      steps: [this.removal()],
      succeed: async (tx, { subjectId }) => {
        await this.store.deleteAll(tx, subjectId ?? '');
        return null;
      },
      fail: async () => {},
    };
  }

  /** Of every test of the database, also of those whose clearing up failed. */
  private removal(): OperationStep {
    return { name: 'remove', run: ({ operation }) => this.removeAll(operation) };
  }

  private async removeAll({ subjectId }: Operation): Promise<void> {
    const probes = await this.store.list(subjectId ?? '');
    for (const probe of probes) {
      const server = this.servers.get(probe.serverId);
      await this.probes.remove(server, probe);
      await this.store.close(probe.id);
      await this.aliases.sync(server);
    }
  }
}
