import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Cursor } from '../../http/pagination.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import type { PartitionSummaryDto } from './dto/partition-report.dto.js';
import { PartitionPolicyEntity } from './partition-policy.entity.js';

export interface PolicyFilter {
  readonly templateId?: string;
  readonly databaseId?: string;
  readonly limit: number;
  readonly after: Cursor | null;
}

export interface ClaimMinutes {
  /** How long nobody else takes it. */
  readonly hold: number;
  /** How long new tenants wait after a run. */
  readonly rest: number;
}

export interface FinishedRun {
  readonly beganAt: Date;
  readonly nextRunAt: Date;
  readonly report: PartitionSummaryDto;
  /** `updated_at` of the policy as the run knew it. */
  readonly knownSince: Date;
}

/**
 * Due are also policies that have new tenants, as soon as they have rested: one that was still in the making when the last
 * run began, too. Pushing the next run away is what claims it; whoever dies over the run leaves it to be tried again.
 */
const CLAIM = `
  UPDATE partition_policies SET last_run_at = now(), next_run_at = now() + make_interval(mins => $1)
  WHERE id = (
    SELECT p.id FROM partition_policies p
    WHERE p.enabled AND (
      p.next_run_at <= now()
      OR p.last_run_at < now() - make_interval(mins => $2) AND EXISTS (
        SELECT FROM tenants t
        WHERE (t.template_id = p.template_id OR t.database_id = p.database_id)
          AND t.created_at > p.last_run_at - interval '1 minute'
      )
    )
    ORDER BY p.next_run_at LIMIT 1 FOR UPDATE SKIP LOCKED
  ) RETURNING id`;

/** A policy that was changed meanwhile stays due. */
const FINISH = `
  UPDATE partition_policies
  SET last_run_at = $2, last_report = $3, next_run_at = CASE WHEN updated_at = $5 THEN $4 ELSE next_run_at END
  WHERE id = $1`;

/** Only SQL. */
@Injectable()
export class PartitionPoliciesRepository {
  constructor(private readonly dataSource: DataSource) {}

  find(id: string): Promise<PartitionPolicyEntity | null> {
    return this.dataSource.manager.findOneBy(PartitionPolicyEntity, { id });
  }

  /** Locks the row until the transaction ends. */
  findLocked(tx: EntityManager, id: string): Promise<PartitionPolicyEntity | null> {
    return tx.findOne(PartitionPolicyEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Newest first, up to `limit + 1`: the last one only tells that there is another page. */
  list({ templateId, databaseId, limit, after }: PolicyFilter): Promise<PartitionPolicyEntity[]> {
    const builder = this.dataSource
      .createQueryBuilder(PartitionPolicyEntity, 'policy')
      .orderBy('policy.createdAt', 'DESC')
      .addOrderBy('policy.id', 'DESC')
      .take(limit + 1);
    if (templateId) builder.andWhere('policy.templateId = :templateId', { templateId });
    if (databaseId) builder.andWhere('policy.databaseId = :databaseId', { databaseId });
    if (after) builder.andWhere('(policy.createdAt, policy.id) < (:createdAt, :id)', after);
    return builder.getMany();
  }

  /** False when the table has a policy already. */
  async insert(tx: EntityManager, policy: PartitionPolicyEntity): Promise<boolean> {
    try {
      await tx.insert(PartitionPolicyEntity, policy);
      return true;
    } catch (error) {
      if (sqlState(error) === SQLSTATE.uniqueViolation) return false;
      throw error;
    }
  }

  async update(tx: EntityManager, id: string, changes: Partial<PartitionPolicyEntity>): Promise<void> {
    await tx.update(PartitionPolicyEntity, { id }, changes);
  }

  async delete(tx: EntityManager, id: string): Promise<void> {
    await tx.delete(PartitionPolicyEntity, { id });
  }

  /** Takes the policy that is due for longest; null when none is. */
  async claim(tx: EntityManager, minutes: ClaimMinutes): Promise<string | null> {
    const [rows]: [{ id: string }[], number] = await tx.query(CLAIM, [minutes.hold, minutes.rest]);
    return rows[0]?.id ?? null;
  }

  async finish(tx: EntityManager, id: string, run: FinishedRun): Promise<void> {
    const { beganAt, report, nextRunAt, knownSince } = run;
    await tx.query(FINISH, [id, beganAt, JSON.stringify(report), nextRunAt, knownSince]);
  }

  async postpone(tx: EntityManager, id: string, nextRunAt: Date): Promise<void> {
    await tx.query('UPDATE partition_policies SET next_run_at = $2 WHERE id = $1', [id, nextRunAt]);
  }
}
