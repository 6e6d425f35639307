import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../kernel/clock.js';
import { notFound } from '../../kernel/errors.js';
import { inParallel } from '../../kernel/in-parallel.js';
import type { Operation, OperationHandler, StepContext } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import {
  PartitionKeeper,
  type PartitionRequest,
} from '../../provisioning/tenancy/partitions/partition-keeper.js';
import { toFailure } from '../../provisioning/tenancy/partitions/partition-outcome.js';
import {
  type DatabaseTargets,
  PartitionTargets,
} from '../../provisioning/tenancy/partitions/partition-targets.js';
import type { PartitionReportDto } from './dto/partition-report.dto.js';
import { nextDailyRun, retryAfter } from './next-run.js';
import { PartitionPoliciesRepository } from './partition-policies.repository.js';
import { type PartitionPolicyEntity, ruleOf, scopeOf } from './partition-policy.entity.js';
import { type DatabaseOutcome, toReport, toSummary } from './partition-report.js';

export const RUN_PARTITION_POLICY = 'partition_policy.run';

export interface RunInput {
  readonly dryRun: boolean;
  readonly moveDefaultRows: boolean;
}

interface FinishedWork {
  readonly beganAt: Date;
  readonly policy: PartitionPolicyEntity;
  readonly report: PartitionReportDto;
}

const DATABASES_AT_A_TIME = 2;

/** The operation that brings all tables of a policy up to date; its result is the report. */
@Injectable()
export class RunPartitionPolicy implements OnModuleInit {
  /** By policy, between the step and the end of the operation, which follow each other in one process. */
  private readonly finished = new Map<string, FinishedWork>();

  constructor(
    private readonly operations: OperationsService,
    private readonly repository: PartitionPoliciesRepository,
    private readonly targets: PartitionTargets,
    private readonly keeper: PartitionKeeper,
    private readonly servers: ServerRegistry,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.operations.register(this.handler());
  }

  private handler(): OperationHandler {
    return {
      kind: RUN_PARTITION_POLICY,
      maxAttempts: 5,
      deadlineSeconds: 6 * 3_600,
      whenUnavailable: 'retry',
      lane: 'long',
      steps: [{ name: 'partitions', run: (context) => this.work(context) }],
      succeed: (tx, operation) => this.succeed(tx, operation),
      fail: async (tx, { subjectId }) => {
        this.finished.delete(subjectId ?? '');
        await this.repository.postpone(tx, subjectId ?? '', retryAfter(this.clock.now()));
      },
    };
  }

  private async work({ operation, signal }: StepContext): Promise<void> {
    const id = operation.subjectId ?? '';
    const policy = await this.repository.find(id);
    if (!policy) throw notFound('partition policy', id);
    const { dryRun, moveDefaultRows } = inputOf(operation);
    const databases = await this.targets.find(scopeOf(policy));
    const request: PartitionRequest = {
      rule: ruleOf(policy),
      now: this.clock.now(),
      expectTable: policy.templateId !== null,
      ...{ dryRun, moveDefaultRows, signal },
    };
    const outcomes: DatabaseOutcome[] = [];
    await inParallel(databases, DATABASES_AT_A_TIME, async (database) => {
      outcomes.push(await this.maintain(database, request));
    });
    this.finished.set(id, { beganAt: request.now, policy, report: toReport(outcomes, dryRun) });
  }

  /** A database that refuses the work keeps no other one from it; a server that is away is waited for. */
  private async maintain(database: DatabaseTargets, request: PartitionRequest): Promise<DatabaseOutcome> {
    const { serverId, databaseName, targets } = database;
    const server = this.servers.get(serverId);
    try {
      const outcomes = await this.keeper.maintain({ server, databaseName }, targets, request);
      return { database, outcomes, failure: null };
    } catch (error) {
      return { database, outcomes: [], failure: toFailure(error, null) };
    }
  }

  private async succeed(tx: EntityManager, operation: Operation): Promise<Record<string, unknown>> {
    const id = operation.subjectId ?? '';
    const work = this.finished.get(id);
    if (!work) throw new Error('the report is gone');
    const { beganAt, policy, report } = work;
    const at = this.clock.now();
    const nextRunAt = report.totals.failed > 0 ? retryAfter(at) : nextDailyRun(id, at);
    if (!report.dry_run) {
      const summary = toSummary(report, operation.id);
      await this.repository.finish(tx, id, {
        beganAt,
        nextRunAt,
        report: summary,
        knownSince: policy.updatedAt,
      });
    }
    return { ...report };
  }
}

function inputOf({ input }: Operation): RunInput {
  return { dryRun: input['dryRun'] === true, moveDefaultRows: input['moveDefaultRows'] === true };
}
