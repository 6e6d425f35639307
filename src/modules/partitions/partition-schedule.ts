import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { systemContext } from '../../http/request-context.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import { REST_MINUTES, RETRY_MINUTES } from './next-run.js';
import { PartitionPoliciesRepository } from './partition-policies.repository.js';
import { PartitionRunsService } from './partition-runs.service.js';

/** Enqueues the runs of policies that are due. However many processes look, each run is claimed by one of them. */
@Injectable()
export class PartitionSchedule {
  private readonly logger = new Logger(PartitionSchedule.name);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: PartitionPoliciesRepository,
    private readonly runs: PartitionRunsService,
  ) {}

  @Cron(CronExpression.EVERY_MINUTE)
  async enqueueDue(): Promise<void> {
    if (this.config.role === 'api') return;
    try {
      while (await this.enqueueOne());
    } catch (error) {
      if (!isUnavailable(error)) this.logger.error('Due partition policies could not be enqueued', error);
    }
  }

  /** Whether there was one. */
  private enqueueOne(): Promise<boolean> {
    return this.dataSource.transaction(async (tx) => {
      const id = await this.repository.claim(tx, { hold: RETRY_MINUTES, rest: REST_MINUTES });
      if (id === null) return false;
      await this.runs.enqueue(tx, systemContext('partitions'), id).catch(ignoreBusy);
      return true;
    });
  }
}

/** Somebody runs it by hand just now. */
function ignoreBusy(error: unknown): void {
  if (!(error instanceof RowhouseError) || error.code !== 'RESOURCE_BUSY') throw error;
}
