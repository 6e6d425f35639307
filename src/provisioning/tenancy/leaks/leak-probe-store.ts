import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { notFound } from '../../../kernel/errors.js';
import { newId, randomHex } from '../../../kernel/ids.js';
import type { LeakReport } from './leak-report.js';

/** The throw-away tenants of one self-test, as the control database knows them. */
export interface LeakProbe {
  /** That of its operation. */
  readonly id: string;
  readonly serverId: string;
  readonly databaseId: string;
  readonly databaseName: string;
  readonly alias: string;
  readonly tenantA: string;
  readonly tenantB: string;
  readonly report: LeakReport | null;
}

/** The host's sealed passwords. */
export interface LeakSecrets {
  readonly appCiphertext: string | null;
  readonly readonlyCiphertext: string | null;
}

type Place = Pick<LeakProbe, 'id' | 'serverId' | 'databaseId'>;

const SELECT = `
  SELECT p.id, p.server_id AS "serverId", p.database_id AS "databaseId", d.database_name AS "databaseName", p.alias,
         p.tenant_a AS "tenantA", p.tenant_b AS "tenantB", p.report
  FROM leak_probes p JOIN databases d ON d.id = p.database_id`;
const INSERT = `
  INSERT INTO leak_probes (id, server_id, database_id, alias, tenant_a, tenant_b) VALUES ($1, $2, $3, $4, $5, $6)`;
const FIND_SECRETS = `
  SELECT app_ciphertext AS "appCiphertext", readonly_ciphertext AS "readonlyCiphertext" FROM hosts
  WHERE database_id = $1`;

@Injectable()
export class LeakProbeStore {
  constructor(private readonly dataSource: DataSource) {}

  /** In the control transaction that makes the operation, so that there is no probe without its row. */
  async insert(tx: EntityManager, { id, serverId, databaseId }: Place): Promise<void> {
    await tx.query(INSERT, [id, serverId, databaseId, `leak_${randomHex(4)}`, newId(), newId()]);
  }

  /** Throws NOT_FOUND. */
  async get(id: string, tx: Pick<EntityManager, 'query'> = this.dataSource): Promise<LeakProbe> {
    const [probe]: LeakProbe[] = await tx.query(`${SELECT} WHERE p.id = $1`, [id]);
    if (!probe) throw notFound('leak test', id);
    return probe;
  }

  /** Those of a database, also of tests that died. */
  list(databaseId: string): Promise<LeakProbe[]> {
    return this.dataSource.query(`${SELECT} WHERE p.database_id = $1`, [databaseId]);
  }

  async secretsOf(databaseId: string): Promise<LeakSecrets> {
    const [secrets]: LeakSecrets[] = await this.dataSource.query(FIND_SECRETS, [databaseId]);
    return secrets ?? { appCiphertext: null, readonlyCiphertext: null };
  }

  async keepReport(id: string, report: LeakReport): Promise<void> {
    await this.dataSource.query('UPDATE leak_probes SET report = $2 WHERE id = $1', [
      id,
      JSON.stringify(report),
    ]);
  }

  /** From now on the pooler shall not serve the alias. */
  async close(id: string): Promise<void> {
    await this.dataSource.query('UPDATE leak_probes SET is_open = false WHERE id = $1', [id]);
  }

  async deleteAll(tx: EntityManager, databaseId: string): Promise<void> {
    await tx.query('DELETE FROM leak_probes WHERE database_id = $1', [databaseId]);
  }
}
