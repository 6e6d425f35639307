import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { isUnavailable } from '../infra/postgres/sqlstate.js';
import { IdempotencyStore } from './idempotency.store.js';

/** Forgets the answers whose day is over. */
@Injectable()
export class IdempotencyPurge {
  private readonly logger = new Logger('Idempotency');

  constructor(private readonly store: IdempotencyStore) {}

  @Cron(CronExpression.EVERY_10_MINUTES)
  async purge(): Promise<void> {
    try {
      await this.store.dropExpired();
    } catch (error) {
      if (!isUnavailable(error)) this.logger.error('Expired Idempotency-Keys could not be dropped', error);
    }
  }
}
