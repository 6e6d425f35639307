import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export interface HostFacts {
  readonly status: 'preparing' | 'ready' | 'failed';
  readonly maxTenants: number;
}

const FIND = `SELECT status, max_tenants AS "maxTenants" FROM hosts WHERE database_id = $1`;

/** Whether a managed database hosts tenants, for features that work on hosts and know no more of them. */
@Injectable()
export class HostReader {
  constructor(private readonly dataSource: DataSource) {}

  /** Null when the database is no host. */
  async find(databaseId: string): Promise<HostFacts | null> {
    const [host]: HostFacts[] = await this.dataSource.query(FIND, [databaseId]);
    return host ?? null;
  }
}
