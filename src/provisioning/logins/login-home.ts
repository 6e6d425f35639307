import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import type { LoginTurn } from './login-names.js';

export type HomeType = 'database' | 'tenant';

export interface HomeKey {
  readonly type: HomeType;
  readonly id: string;
}

/** A home as far as those who log in to it are concerned: a managed database, or a tenant in a schema. */
export interface LoginHome extends HomeKey, RoleSettings {
  readonly status: string;
  readonly serverId: string;
  /** The database on the server: the home itself, or the tenant's host. */
  readonly databaseName: string;
  /** What the pooled port calls it. */
  readonly alias: string;
  /** Its own role, which owns what is in it, or has the tenant's rights. */
  readonly username: string;
  readonly roleOid: number | null;
  readonly hasShadow: boolean;
  /** Whether names are looked up in `public, shared`: a tenant's own database that carries a template. */
  readonly hasTemplate: boolean;
  readonly login: LoginTurn;
  readonly scramVerifier: string;
  readonly loginSince: Date;
  /** Sealed; null without an ENCRYPTION_KEY. */
  readonly passwordCiphertext: string | null;
  /** The credentials of a rotation under way, and whose they are; nulls when there is none. */
  readonly nextLogin: LoginTurn | null;
  readonly nextScramVerifier: string | null;
  readonly nextPasswordCiphertext: string | null;
}

const DATABASES = `
  SELECT 'database' AS type, d.id, d.status, d.server_id AS "serverId", d.database_name AS "databaseName",
         d.database_name AS alias, d.username, d.role_oid AS "roleOid", d.shadow_database_oid IS NOT NULL AS "hasShadow",
         EXISTS (SELECT FROM tenants t WHERE t.database_id = d.id AND t.isolation = 'database'
                 AND t.template_id IS NOT NULL) AS "hasTemplate",
         d.login, d.scram_verifier AS "scramVerifier", coalesce(d.login_since, d.created_at) AS "loginSince",
         d.password_ciphertext AS "passwordCiphertext", d.next_login AS "nextLogin",
         d.next_scram_verifier AS "nextScramVerifier", d.next_password_ciphertext AS "nextPasswordCiphertext",
         d.max_connections AS "maxConnections", d.statement_timeout_ms AS "statementTimeoutMs",
         d.lock_timeout_ms AS "lockTimeoutMs", d.idle_in_transaction_timeout_ms AS "idleInTransactionTimeoutMs"
  FROM databases d`;

const TENANTS = `
  SELECT 'tenant' AS type, t.id, t.status, t.server_id AS "serverId", d.database_name AS "databaseName",
         t.schema_name AS alias, t.username, t.role_oid AS "roleOid", false AS "hasShadow", false AS "hasTemplate",
         t.login, t.scram_verifier AS "scramVerifier", coalesce(t.login_since, t.created_at) AS "loginSince",
         t.password_ciphertext AS "passwordCiphertext", t.next_login AS "nextLogin",
         t.next_scram_verifier AS "nextScramVerifier", t.next_password_ciphertext AS "nextPasswordCiphertext",
         t.max_connections AS "maxConnections", t.statement_timeout_ms AS "statementTimeoutMs",
         t.lock_timeout_ms AS "lockTimeoutMs", t.idle_in_transaction_timeout_ms AS "idleInTransactionTimeoutMs"
  FROM tenants t JOIN databases d ON d.id = t.database_id AND t.isolation = 'schema'`;

const OWN_DATABASE = `SELECT isolation, database_id AS "databaseId" FROM tenants WHERE id = $1`;

const TABLES = { database: 'databases', tenant: 'tenants' } as const satisfies Record<HomeType, string>;

type Queryable = Pick<EntityManager, 'query'>;

@Injectable()
export class LoginHomes {
  constructor(private readonly dataSource: DataSource) {}

  /** The home itself; for a tenant with a database of its own that database. Throws NOT_FOUND and RESOURCE_BUSY. */
  async resolve({ type, id }: HomeKey, tx: Queryable = this.dataSource): Promise<LoginHome> {
    if (type === 'database') return this.get({ type, id }, tx);
    const [tenant]: { isolation: string; databaseId: string | null }[] = await tx.query(OWN_DATABASE, [id]);
    if (!tenant) throw notFound('tenant', id);
    if (tenant.isolation === 'schema') return this.get({ type, id }, tx);
    if (tenant.databaseId === null) {
      throw new RowhouseError('RESOURCE_BUSY', "The tenant's database is being removed.");
    }
    return this.get({ type: 'database', id: tenant.databaseId }, tx);
  }

  /** Throws NOT_FOUND. */
  async get({ type, id }: HomeKey, tx: Queryable = this.dataSource): Promise<LoginHome> {
    const sql = type === 'database' ? `${DATABASES} WHERE d.id = $1` : `${TENANTS} WHERE t.id = $1`;
    const [home]: LoginHome[] = await tx.query(sql, [id]);
    if (!home) throw notFound(type, id);
    return home;
  }

  /** Locked until the transaction ends, so that two requests decide one after the other. Throws NOT_FOUND. */
  async getLocked(tx: EntityManager, key: HomeKey): Promise<LoginHome> {
    await tx.query(`SELECT FROM ${TABLES[key.type]} WHERE id = $1 FOR UPDATE`, [key.id]);
    return this.get(key, tx);
  }

  /** Credentials for a rotation that begins, and the login that they are for. */
  async setNext(
    tx: Queryable,
    { type, id }: HomeKey,
    { login, verifier, ciphertext }: { login: LoginTurn; verifier: string; ciphertext: string | null },
  ): Promise<void> {
    await tx.query(
      `UPDATE ${TABLES[type]}
       SET next_login = $2, next_scram_verifier = $3, next_password_ciphertext = $4 WHERE id = $1`,
      [id, login, verifier, ciphertext],
    );
  }

  /** The rotation under way succeeded: its credentials are the current login's now. */
  async takeNext(tx: Queryable, { type, id }: HomeKey, at: Date): Promise<void> {
    await tx.query(
      `UPDATE ${TABLES[type]}
       SET login = coalesce(next_login, login), login_since = $2, scram_verifier = next_scram_verifier,
           password_ciphertext = next_password_ciphertext, next_login = NULL, next_scram_verifier = NULL,
           next_password_ciphertext = NULL, updated_at = $2
       WHERE id = $1`,
      [id, at],
    );
  }

  async forgetNext(tx: Queryable, { type, id }: HomeKey): Promise<void> {
    await tx.query(
      `UPDATE ${TABLES[type]}
       SET next_login = NULL, next_scram_verifier = NULL, next_password_ciphertext = NULL WHERE id = $1`,
      [id],
    );
  }

  /** By the name of its own role; null for what is in stock or gone. */
  async findByRole(username: string): Promise<LoginHome | null> {
    const [home]: LoginHome[] = await this.dataSource.query(
      `${DATABASES} WHERE d.username = $1 UNION ALL ${TENANTS} WHERE t.username = $1`,
      [username],
    );
    return home ?? null;
  }
}
