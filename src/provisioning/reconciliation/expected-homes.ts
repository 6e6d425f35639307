import type { DataSource, EntityManager } from 'typeorm';
import type { DatabaseHome } from '../database-home.js';

export interface ExpectedHome {
  readonly id: string;
  readonly kind: 'database' | 'warm' | 'tenant' | 'warm_schema';
  readonly status: string;
  /** An operation or a builder works on it: it may be in any state. */
  readonly isBusy: boolean;
  /** Of its own role; null while that may not log in, because another login has its turn. */
  readonly ownVerifier: string | null;
  readonly home: DatabaseHome;
}

interface HomeRow extends DatabaseHome {
  readonly id: string;
  readonly kind: 'database' | 'warm';
  readonly status: string;
  readonly isBusy: boolean;
  readonly ownVerifier: string | null;
}

const SELECT_DATABASES = `
  SELECT d.id, 'database' AS kind, d.status,
         EXISTS (SELECT FROM operations o WHERE o.subject_id = d.id AND o.state IN ('pending', 'running')) AS "isBusy",
         d.database_name AS "databaseName", d.database_oid AS "databaseOid", d.username, d.role_oid AS "roleOid",
         d.shadow_database_oid AS "shadowDatabaseOid", d.max_connections AS "maxConnections",
         d.scram_verifier AS "scramVerifier", d.statement_timeout_ms AS "statementTimeoutMs",
         d.lock_timeout_ms AS "lockTimeoutMs", d.idle_in_transaction_timeout_ms AS "idleInTransactionTimeoutMs",
         d.extensions,
         CASE d.login WHEN 'own' THEN d.scram_verifier
              ELSE (SELECT o.scram_verifier FROM login_overlaps o WHERE o.database_id = d.id) END AS "ownVerifier"
  FROM databases d`;

const SELECT_WARM = `
  SELECT w.id, 'warm' AS kind, w.state AS status, w.state <> 'ready' AS "isBusy",
         w.database_name AS "databaseName", w.database_oid AS "databaseOid", w.username, w.role_oid AS "roleOid",
         NULL::oid AS "shadowDatabaseOid", $1::integer AS "maxConnections", '' AS "scramVerifier",
         0 AS "statementTimeoutMs", 0 AS "lockTimeoutMs", 0 AS "idleInTransactionTimeoutMs", '{}'::text[] AS extensions,
         NULL AS "ownVerifier"
  FROM warm_databases w`;

/** Every home that the control database knows on a server. */
export async function readExpectedHomes(
  dataSource: DataSource,
  serverId: string,
  warmMaxConnections: number,
): Promise<ExpectedHome[]> {
  const databases: HomeRow[] = await dataSource.query(`${SELECT_DATABASES} WHERE d.server_id = $1`, [
    serverId,
  ]);
  const warm: HomeRow[] = await dataSource.query(`${SELECT_WARM} WHERE w.server_id = $2`, [
    warmMaxConnections,
    serverId,
  ]);
  return [...databases, ...warm].map(toExpected);
}

/** The same of one home, locked, so that no operation begins on it and nobody claims it; null when it is gone. */
export async function lockExpectedHome(
  tx: EntityManager,
  { id, kind, home }: ExpectedHome,
): Promise<ExpectedHome | null> {
  const [row]: HomeRow[] =
    kind === 'database'
      ? await tx.query(`${SELECT_DATABASES} WHERE d.id = $1 FOR UPDATE OF d`, [id])
      : await tx.query(`${SELECT_WARM} WHERE w.id = $2 FOR UPDATE OF w`, [home.maxConnections, id]);
  return row ? toExpected(row) : null;
}

function toExpected({ id, kind, status, isBusy, ownVerifier, ...home }: HomeRow): ExpectedHome {
  return { id, kind, status, isBusy, ownVerifier, home };
}
