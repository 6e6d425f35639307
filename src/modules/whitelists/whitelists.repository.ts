import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { decodeCursor, type ListQuery } from '../../http/pagination.js';
import type { HomeRef } from './whitelist-home.js';
import type { WhitelistRule } from './whitelist-rule.js';

const SELECT = `
  SELECT id, database_id AS "databaseId", tenant_id AS "tenantId", network::text AS network, description,
         expires_at AS "expiresAt", expired_at AS "expiredAt", applied_at AS "appliedAt", removed_at AS "removedAt",
         created_by AS "createdBy", created_at AS "createdAt"
  FROM whitelist_rules`;

const INSERT = `
  INSERT INTO whitelist_rules (id, database_id, tenant_id, network, description, expires_at, created_by, created_at)
  SELECT id, $1, $2, network, description, expires_at, $7, $8
  FROM unnest($3::uuid[], $4::cidr[], $5::text[], $6::timestamptz[]) AS r (id, network, description, expires_at)`;

/** One that had expired and shall admit again is a rule that the ports do not know. */
const UPDATE = `
  UPDATE whitelist_rules
  SET description = $2, expires_at = $3, expiring_at = NULL,
    expired_at = CASE WHEN expires_at IS DISTINCT FROM $3 THEN NULL ELSE expired_at END,
    applied_at = CASE WHEN expired_at IS NOT NULL AND expires_at IS DISTINCT FROM $3 THEN NULL ELSE applied_at END
  WHERE id = $1`;

const REMOVE = 'UPDATE whitelist_rules SET removed_at = $2 WHERE id = ANY ($1) AND removed_at IS NULL';

const DISCARD = 'DELETE FROM whitelist_rules WHERE id = ANY ($1) AND applied_at IS NULL';

/** A network that was added again meanwhile has a rule already. */
const RESTORE = `
  UPDATE whitelist_rules AS r SET removed_at = NULL
  WHERE id = ANY ($1) AND removed_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM whitelist_rules AS other
    WHERE other.removed_at IS NULL AND other.network = r.network
      AND other.database_id IS NOT DISTINCT FROM r.database_id
      AND other.tenant_id IS NOT DISTINCT FROM r.tenant_id)`;

/** By the clock that the sync goes by too. Of several processes that look at the same moment, each gets others. */
const CLAIM_EXPIRED = `
  WITH due AS MATERIALIZED (
    SELECT id FROM whitelist_rules
    WHERE expires_at <= now() AND expired_at IS NULL AND expiring_at IS NULL AND expires_at IS NOT NULL
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
  )
  UPDATE whitelist_rules AS r SET expiring_at = now()
  FROM due WHERE r.id = due.id
  RETURNING r.id`;

/** Only SQL: what may happen is decided in the services. */
@Injectable()
export class WhitelistsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string): Promise<WhitelistRule | null> {
    const [rule]: WhitelistRule[] = await this.dataSource.query(`${SELECT} WHERE id = $1`, [id]);
    return rule ?? null;
  }

  /** Those of the list, without the ones that were taken away. Oldest first, and by network. */
  listLive(home: HomeRef, tx: Pick<EntityManager, 'query'> = this.dataSource): Promise<WhitelistRule[]> {
    return tx.query(
      `${SELECT} WHERE ${column(home)} = $1 AND removed_at IS NULL ORDER BY created_at, whitelist_rules.network`,
      [home.id],
    );
  }

  /** Whether the ports still have to learn of one of its rules, or of its end. */
  async hasPending(home: HomeRef): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `SELECT FROM whitelist_rules
       WHERE ${column(home)} = $1 AND (removed_at IS NOT NULL
         OR (expired_at IS NULL AND (applied_at IS NULL OR expires_at <= now()))) LIMIT 1`,
      [home.id],
    );
    return rows.length > 0;
  }

  /** Newest first, up to `limit + 1` rows, with those whose removal is not in force yet. */
  list(home: HomeRef, { limit, cursor }: ListQuery): Promise<WhitelistRule[]> {
    const after = decodeCursor(cursor);
    return this.dataSource.query(
      `${SELECT}
       WHERE ${column(home)} = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [home.id, after?.createdAt ?? null, after?.id ?? null, limit + 1],
    );
  }

  /** All of one home and of one moment. */
  async insert(tx: EntityManager, rules: readonly WhitelistRule[]): Promise<void> {
    const [first] = rules;
    if (!first) return;
    await tx.query(INSERT, [
      first.databaseId,
      first.tenantId,
      rules.map(({ id }) => id),
      rules.map(({ network }) => network),
      rules.map(({ description }) => description),
      rules.map(({ expiresAt }) => expiresAt),
      first.createdBy,
      first.createdAt,
    ]);
  }

  /** How many rules there were to copy; those that have expired stay so. */
  async copy(tx: EntityManager, from: HomeRef, to: HomeRef): Promise<number> {
    const rows: unknown[] = await tx.query(
      `INSERT INTO whitelist_rules (id, ${column(to)}, network, description, expires_at, created_by)
       SELECT gen_random_uuid(), $2, network, description, expires_at, created_by
       FROM whitelist_rules WHERE ${column(from)} = $1 AND removed_at IS NULL
       RETURNING id`,
      [from.id, to.id],
    );
    return rows.length;
  }

  async update(
    tx: EntityManager,
    { id, description, expiresAt }: Pick<WhitelistRule, 'id' | 'description' | 'expiresAt'>,
  ): Promise<void> {
    await tx.query(UPDATE, [id, description, expiresAt]);
  }

  async remove(tx: EntityManager, ids: readonly string[], at: Date): Promise<void> {
    if (ids.length > 0) await tx.query(REMOVE, [ids, at]);
  }

  /** Takes additions back that no port ever had. */
  async discard(tx: EntityManager, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await tx.query(DISCARD, [ids]);
  }

  /** Takes removals back. */
  async restore(tx: EntityManager, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await tx.query(RESTORE, [ids]);
  }

  /** Takes up to `limit` rules whose time has come and that nobody has taken. */
  async claimExpired(tx: EntityManager, limit: number): Promise<WhitelistRule[]> {
    const [claimed]: [{ id: string }[], number] = await tx.query(CLAIM_EXPIRED, [limit]);
    if (claimed.length === 0) return [];
    return tx.query(`${SELECT} WHERE id = ANY ($1)`, [claimed.map(({ id }) => id)]);
  }

  /** Those whose end is still not in force may be claimed again. */
  async releaseExpired(tx: EntityManager, ids: readonly string[]): Promise<void> {
    const sql = 'UPDATE whitelist_rules SET expiring_at = NULL WHERE id = ANY ($1) AND expired_at IS NULL';
    await tx.query(sql, [ids]);
  }
}

function column({ kind }: HomeRef): string {
  return kind === 'database' ? 'database_id' : 'tenant_id';
}
