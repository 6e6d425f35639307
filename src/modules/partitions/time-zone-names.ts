import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { invalidField } from '../../kernel/errors.js';
import { isTimeZone } from '../../provisioning/tenancy/partitions/partition-time-zones.js';

const FIND = 'SELECT name FROM pg_catalog.pg_timezone_names WHERE lower(name) = lower($1)';

/** Time zones that both PostgreSQL and this process know, so that both mean the same by a midnight. */
@Injectable()
export class TimeZoneNames {
  constructor(private readonly dataSource: DataSource) {}

  /** The name as it is properly written. Throws VALIDATION_FAILED. */
  async resolve(name: string): Promise<string> {
    const [found]: { name: string }[] = isTimeZone(name) ? await this.dataSource.query(FIND, [name]) : [];
    if (!found) throw invalidField('timeZone', 'must be an IANA time zone, such as Europe/Berlin or UTC');
    return found.name;
  }
}
