import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import { isUnavailable } from '../postgres/sqlstate.js';

const MONTHS_AHEAD = 3;

/** Keeps the audit trail's monthly partitions made ahead of time. Without them rows land in the default partition. */
@Injectable()
export class AuditPartitions implements OnApplicationBootstrap {
  private readonly logger = new Logger('AuditPartitions');

  constructor(private readonly control: DataSource) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.createUpcoming();
  }

  @Cron(CronExpression.EVERY_DAY_AT_3AM)
  async createUpcoming(): Promise<void> {
    try {
      await this.control.query('SELECT create_audit_partitions($1)', [MONTHS_AHEAD]);
    } catch (error) {
      if (!isUnavailable(error)) this.logger.error('The audit partitions could not be made', error);
    }
  }
}
