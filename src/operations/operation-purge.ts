import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { CONFIG, type Config } from '../config/config.js';
import { OperationRepository } from './operation.repository.js';

const KEPT_DAYS = 30;

/** Forgets operations that ended long ago. */
@Injectable()
export class OperationPurge {
  private readonly logger = new Logger('Operations');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly repository: OperationRepository,
  ) {}

  @Cron(CronExpression.EVERY_DAY_AT_4AM)
  async purge(): Promise<void> {
    if (this.config.role === 'api') return;
    try {
      await this.repository.purge(KEPT_DAYS);
    } catch (error) {
      this.logger.warn('Old operations could not be purged', error);
    }
  }
}
