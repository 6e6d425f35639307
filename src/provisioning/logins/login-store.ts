import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { HomeKey } from './login-home.js';

export const ACCESS_LEVELS = ['readonly', 'readwrite', 'owner'] as const;
export type Access = (typeof ACCESS_LEVELS)[number];

export const LOGIN_STATUSES = ['creating', 'active', 'deleting', 'failed'] as const;
export type LoginStatus = (typeof LOGIN_STATUSES)[number];

/** A row of `login_roles`. */
export interface LoginRow {
  readonly id: string;
  readonly databaseId: string | null;
  readonly tenantId: string | null;
  readonly purpose: 'role' | 'rotation';
  readonly name: string;
  readonly username: string;
  readonly roleOid: number | null;
  readonly access: Access;
  readonly status: LoginStatus;
  readonly maxConnections: number;
  /** Canonical; null: those of its home. */
  readonly networks: readonly string[] | null;
  readonly expiresAt: Date | null;
  /** Null for the second login of a rotation: its credentials are the home's. */
  readonly scramVerifier: string | null;
  readonly passwordCiphertext: string | null;
  readonly nextScramVerifier: string | null;
  readonly nextPasswordCiphertext: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The home's other login while it still works. */
export interface Overlap {
  readonly username: string;
  readonly scramVerifier: string;
  readonly endsAt: Date;
  readonly endsWhenUnused: boolean;
}

type Queryable = Pick<EntityManager, 'query'>;

const COLUMNS = {
  id: 'id',
  databaseId: 'database_id',
  tenantId: 'tenant_id',
  purpose: 'purpose',
  name: 'name',
  username: 'username',
  roleOid: 'role_oid',
  access: 'access',
  status: 'status',
  maxConnections: 'max_connections',
  networks: 'networks',
  expiresAt: 'expires_at',
  scramVerifier: 'scram_verifier',
  passwordCiphertext: 'password_ciphertext',
  nextScramVerifier: 'next_scram_verifier',
  nextPasswordCiphertext: 'next_password_ciphertext',
  createdBy: 'created_by',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const satisfies Record<keyof LoginRow, string>;

const SELECTED = Object.entries(COLUMNS)
  .map(([field, column]) => `${column}${field === 'networks' ? '::text[]' : ''} AS "${field}"`)
  .join(', ');

const SELECT_OVERLAP = `
  SELECT username, scram_verifier AS "scramVerifier", ends_at AS "endsAt", ends_when_unused AS "endsWhenUnused"
  FROM login_overlaps WHERE database_id = $1 OR tenant_id = $1`;

const FIND_EXPIRED = `
  SELECT CASE WHEN r.database_id IS NULL THEN 'tenant' ELSE 'database' END AS type,
         coalesce(r.database_id, r.tenant_id) AS id
  FROM login_roles r
  WHERE r.expires_at <= now() AND r.status = 'active'
    AND NOT EXISTS (SELECT FROM operations o WHERE o.subject_id = coalesce(r.database_id, r.tenant_id)
                    AND o.state IN ('pending', 'running'))
  LIMIT 1 FOR UPDATE OF r SKIP LOCKED`;

export interface RolePage {
  readonly limit: number;
  readonly after: { readonly createdAt: Date; readonly id: string } | null;
}

/** Only SQL: who may log in besides a home's own role. */
@Injectable()
export class LoginStore {
  constructor(private readonly dataSource: DataSource) {}

  /** The home's further logins, oldest first. */
  list({ id }: HomeKey, tx: Queryable = this.dataSource): Promise<LoginRow[]> {
    return tx.query(
      `SELECT ${SELECTED} FROM login_roles WHERE database_id = $1 OR tenant_id = $1 ORDER BY created_at, id`,
      [id],
    );
  }

  /** The roles that were asked for, newest first, up to `limit + 1`. */
  listRoles({ id }: HomeKey, { limit, after }: RolePage): Promise<LoginRow[]> {
    return this.dataSource.query(
      `SELECT ${SELECTED} FROM login_roles
       WHERE (database_id = $1 OR tenant_id = $1) AND purpose = 'role'
         AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [id, after?.createdAt ?? null, after?.id ?? null, limit + 1],
    );
  }

  /** A home whose roles have come to their end, and on which nothing else works; held until the transaction ends. */
  async findExpired(tx: Queryable): Promise<HomeKey | null> {
    const [home]: HomeKey[] = await tx.query(FIND_EXPIRED);
    return home ?? null;
  }

  async find(home: HomeKey, id: string, tx: Queryable = this.dataSource): Promise<LoginRow | null> {
    const [row]: LoginRow[] = await tx.query(
      `SELECT ${SELECTED} FROM login_roles WHERE id = $1 AND (database_id = $2 OR tenant_id = $2)`,
      [id, home.id],
    );
    return row ?? null;
  }

  async insert(tx: Queryable, row: LoginRow): Promise<void> {
    const fields = Object.keys(COLUMNS) as (keyof LoginRow)[];
    const places = fields.map((_, index) => `$${index + 1}`);
    await tx.query(
      `INSERT INTO login_roles (${Object.values(COLUMNS).join(', ')}) VALUES (${places.join(', ')})`,
      fields.map((field) => row[field]),
    );
  }

  async update(tx: Queryable, id: string, changes: Partial<LoginRow>): Promise<void> {
    const entries = Object.entries(changes) as [keyof LoginRow, unknown][];
    const sets = entries.map(([field], index) => `${COLUMNS[field]} = $${index + 2}`);
    await tx.query(`UPDATE login_roles SET ${sets.join(', ')} WHERE id = $1`, [
      id,
      ...entries.map(([, value]) => value),
    ]);
  }

  /** Records what a step found on the server, outside any transaction. */
  record(id: string, facts: Partial<LoginRow>): Promise<void> {
    return this.update(this.dataSource, id, facts);
  }

  /** Outside any transaction, once its role is gone from the server. */
  async remove(id: string): Promise<void> {
    await this.dataSource.query('DELETE FROM login_roles WHERE id = $1', [id]);
  }

  /** A rotation of a role succeeded. */
  async takeNext(tx: Queryable, id: string, at: Date): Promise<void> {
    await tx.query(
      `UPDATE login_roles
       SET scram_verifier = next_scram_verifier, password_ciphertext = next_password_ciphertext,
           next_scram_verifier = NULL, next_password_ciphertext = NULL, updated_at = $2
       WHERE id = $1 AND next_scram_verifier IS NOT NULL`,
      [id, at],
    );
  }

  async giveUpDropping(tx: Queryable, { id }: HomeKey, at: Date): Promise<void> {
    await tx.query(
      `UPDATE login_roles SET status = 'failed', updated_at = $2
       WHERE (database_id = $1 OR tenant_id = $1) AND status = 'deleting'`,
      [id, at],
    );
  }

  async findOverlap({ id }: HomeKey, tx: Queryable = this.dataSource): Promise<Overlap | null> {
    const [overlap]: Overlap[] = await tx.query(SELECT_OVERLAP, [id]);
    return overlap ?? null;
  }

  async insertOverlap(tx: Queryable, { type, id }: HomeKey, overlap: Overlap): Promise<void> {
    const { username, scramVerifier, endsAt, endsWhenUnused } = overlap;
    await tx.query(
      `INSERT INTO login_overlaps (username, ${type}_id, scram_verifier, ends_at, ends_when_unused)
       VALUES ($1, $2, $3, $4, $5)`,
      [username, id, scramVerifier, endsAt, endsWhenUnused],
    );
  }

  async deleteOverlap(tx: Queryable, { id }: HomeKey): Promise<void> {
    await tx.query('DELETE FROM login_overlaps WHERE database_id = $1 OR tenant_id = $1', [id]);
  }
}
