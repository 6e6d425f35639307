import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { ListQuery } from '../../http/pagination.js';
import { decodeCursor } from '../../http/pagination.js';
import { ApiKeyEntity } from './api-key.entity.js';

/** Names the lock under which admin keys are made and revoked, so that there is always exactly as many as intended. */
const ADMIN_LOCK = 7_264_032;

const HAS_OTHER_ADMIN = `
  SELECT EXISTS (
    SELECT FROM api_keys
    WHERE '*' = ANY (scopes) AND tenant_ids IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
      AND id IS DISTINCT FROM $1::uuid
  ) AS found`;

const FIND_UNKNOWN_TENANTS = `
  SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
  WHERE NOT EXISTS (SELECT FROM tenants WHERE tenants.id = wanted.id)`;

const TOUCH = `
  UPDATE api_keys SET last_used_at = greatest(last_used_at, used.at)
  FROM unnest($1::text[], $2::timestamptz[]) AS used (key_id, at)
  WHERE api_keys.key_id = used.key_id`;

@Injectable()
export class ApiKeysRepository {
  constructor(private readonly control: DataSource) {}

  transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.control.transaction(work);
  }

  async insert(tx: EntityManager, key: ApiKeyEntity): Promise<void> {
    await tx.insert(ApiKeyEntity, key);
  }

  findByKeyId(keyId: string): Promise<ApiKeyEntity | null> {
    return this.control.manager.findOneBy(ApiKeyEntity, { keyId });
  }

  find(id: string): Promise<ApiKeyEntity | null> {
    return this.control.manager.findOneBy(ApiKeyEntity, { id });
  }

  /** The row, locked until the transaction ends. */
  findForUpdate(tx: EntityManager, id: string): Promise<ApiKeyEntity | null> {
    return tx.findOne(ApiKeyEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Newest first, one more than the page holds; those that are bound to no other tenants, or all for null. */
  list({ limit, cursor }: ListQuery, tenantIds: readonly string[] | null): Promise<ApiKeyEntity[]> {
    const after = decodeCursor(cursor);
    const query = this.control.manager
      .createQueryBuilder(ApiKeyEntity, 'key')
      .orderBy({ 'key.created_at': 'DESC', 'key.id': 'DESC' })
      .limit(limit + 1);
    if (after) query.andWhere('(key.created_at, key.id) < (:createdAt, :id)', after);
    if (tenantIds) query.andWhere('key.tenant_ids <@ :tenantIds::uuid[]', { tenantIds });
    return query.getMany();
  }

  async findUnknownTenants(ids: readonly string[]): Promise<string[]> {
    const rows: { id: string }[] = await this.control.query(FIND_UNKNOWN_TENANTS, [ids]);
    return rows.map(({ id }) => id);
  }

  async setSecret(tx: EntityManager, id: string, secretHash: string): Promise<void> {
    await tx.update(ApiKeyEntity, { id }, { secretHash });
  }

  async setRevoked(tx: EntityManager, id: string, revokedAt: Date): Promise<void> {
    await tx.update(ApiKeyEntity, { id }, { revokedAt });
  }

  async lockAdmins(tx: EntityManager): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(${ADMIN_LOCK})`);
  }

  /** Whether a working admin key exists besides the one of this id. */
  async hasAdmin(tx: EntityManager, exceptId: string | null): Promise<boolean> {
    const rows: { found: boolean }[] = await tx.query(HAS_OTHER_ADMIN, [exceptId]);
    return rows[0]?.found ?? false;
  }

  /** Writes when keys were last used, all in one statement. */
  async touch(uses: ReadonlyMap<string, Date>): Promise<void> {
    await this.control.query(TOUCH, [[...uses.keys()], [...uses.values()]]);
  }
}
