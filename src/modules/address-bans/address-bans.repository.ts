import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { decodeCursor, type ListQuery } from '../../http/pagination.js';

export interface AddressBan {
  readonly id: string;
  /** The block of addresses, canonical. */
  readonly network: string;
  readonly failures: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

const COLUMNS = 'id, network, failures, created_at AS "createdAt", expires_at AS "expiresAt"';

/** A ban that is over gives its place to a new one; of several processes that ban at once, one does. */
const INSERT = `
  INSERT INTO address_bans (id, network, failures, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (network) DO UPDATE
  SET id = excluded.id, failures = excluded.failures, created_at = excluded.created_at, expires_at = excluded.expires_at
  WHERE address_bans.expires_at <= excluded.created_at
  RETURNING id`;

const LIST = `
  SELECT ${COLUMNS} FROM address_bans
  WHERE expires_at > now() AND ($1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid))
  ORDER BY created_at DESC, id DESC LIMIT $3`;

/** More than any process needs to know at once. */
const MAX_LOADED = 100_000;

const LOAD = `
  SELECT ${COLUMNS} FROM address_bans WHERE expires_at > now() ORDER BY created_at DESC LIMIT ${MAX_LOADED}`;

@Injectable()
export class AddressBansRepository {
  constructor(private readonly control: DataSource) {}

  transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.control.transaction(work);
  }

  /** Whether it is a new ban. */
  async insert(tx: EntityManager, ban: AddressBan): Promise<boolean> {
    const rows: unknown[] = await tx.query(INSERT, [
      ban.id,
      ban.network,
      ban.failures,
      ban.createdAt,
      ban.expiresAt,
    ]);
    return rows.length > 0;
  }

  /** The ban that it took away, if there was one. */
  async delete(tx: EntityManager, network: string): Promise<AddressBan | null> {
    const sql = `DELETE FROM address_bans WHERE network = $1 AND expires_at > now() RETURNING ${COLUMNS}`;
    const [rows]: [AddressBan[], number] = await tx.query(sql, [network]);
    return rows[0] ?? null;
  }

  /** Newest first, one more than the page holds. */
  list({ limit, cursor }: ListQuery): Promise<AddressBan[]> {
    const after = decodeCursor(cursor);
    return this.control.query(LIST, [after?.createdAt ?? null, after?.id ?? null, limit + 1]);
  }

  load(): Promise<AddressBan[]> {
    return this.control.query(LOAD);
  }

  async purge(): Promise<void> {
    await this.control.query('DELETE FROM address_bans WHERE expires_at < now()');
  }
}
