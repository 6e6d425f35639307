import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ROOM } from './host-room.js';

export interface HostFacts {
  readonly status: 'preparing' | 'ready' | 'failed';
  readonly maxTenants: number;
  /** How many more tenants may be placed there. */
  readonly room: number;
}

const FIND = `
  SELECT h.status, h.max_tenants AS "maxTenants", ${ROOM} AS room
  FROM hosts h JOIN databases d ON d.id = h.database_id WHERE h.database_id = $1`;

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
