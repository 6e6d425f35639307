import type { DataSource, EntityManager } from 'typeorm';
import type { WarmDatabase } from './database-home.js';

export interface WarmRow {
  readonly id: string;
  readonly databaseName: string;
  readonly databaseOid: number | null;
  readonly username: string;
  readonly roleOid: number | null;
  readonly scramVerifier: string | null;
  readonly passwordCiphertext: string | null;
}

export interface StockLevel {
  readonly ready: number;
  /** Databases that were created in the last minute. */
  readonly demand: number;
}

const COLUMNS = `id, database_name AS "databaseName", database_oid AS "databaseOid", username, role_oid AS "roleOid",
  scram_verifier AS "scramVerifier", password_ciphertext AS "passwordCiphertext"`;

const BUILDER_LOCK = `pg_advisory_xact_lock(hashtextextended('rowhouse warm pool ' || $1, 0))`;
const TRY_BUILDER_LOCK = `pg_try_advisory_xact_lock(hashtextextended('rowhouse warm pool ' || $1, 0))`;

const CLAIM = `
  DELETE FROM warm_databases WHERE id = (
    SELECT id FROM warm_databases WHERE server_id = $1 AND state = 'ready'
    ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
  ) RETURNING ${COLUMNS}`;

const LEVEL = `
  SELECT (SELECT count(*)::integer FROM warm_databases WHERE server_id = $1 AND state = 'ready') AS ready,
         (SELECT count(*)::integer FROM databases
          WHERE server_id = $1 AND created_at > now() - interval '1 minute') AS demand`;

/** Holds off the builders of every process while `work` runs. */
export function withBuilderLock<T>(
  dataSource: DataSource,
  serverId: string,
  work: () => Promise<T>,
): Promise<T> {
  return dataSource.transaction(async (tx) => {
    await tx.query(`SELECT ${BUILDER_LOCK}`, [serverId]);
    return work();
  });
}

/** Runs `work` unless another process builds or prepares just now. Returns whether it ran. */
export function tryWithBuilderLock(
  dataSource: DataSource,
  serverId: string,
  work: () => Promise<void>,
): Promise<boolean> {
  return dataSource.transaction(async (tx) => {
    const [row]: { locked: boolean }[] = await tx.query(`SELECT ${TRY_BUILDER_LOCK} AS locked`, [serverId]);
    if (!row?.locked) return false;
    await work();
    return true;
  });
}

/** Takes the oldest finished home, unless another transaction is just taking it. */
export async function claimFromStock(tx: EntityManager, serverId: string): Promise<WarmDatabase | null> {
  const [rows]: [WarmRow[], number] = await tx.query(CLAIM, [serverId]);
  const [row] = rows;
  if (!row || row.databaseOid === null || row.roleOid === null) return null;
  const { id: _, ...home } = row;
  return { ...home, databaseOid: row.databaseOid, roleOid: row.roleOid };
}

export async function stockLevel(dataSource: DataSource, serverId: string): Promise<StockLevel> {
  const [level]: StockLevel[] = await dataSource.query(LEVEL, [serverId]);
  return level ?? { ready: 0, demand: 0 };
}

/** With the builder lock held, every row in building is one that a builder left behind. */
export async function findInStock(
  dataSource: DataSource,
  serverId: string,
  state: 'building' | 'retired',
): Promise<WarmRow | null> {
  const sql = `SELECT ${COLUMNS} FROM warm_databases WHERE server_id = $1 AND state = $2 ORDER BY created_at LIMIT 1`;
  const [row]: WarmRow[] = await dataSource.query(sql, [serverId, state]);
  return row ?? null;
}

export async function addToStock(dataSource: DataSource, serverId: string, row: WarmRow): Promise<void> {
  await dataSource.query(
    `INSERT INTO warm_databases (id, server_id, database_name, username, scram_verifier, password_ciphertext, state)
     VALUES ($1, $2, $3, $4, $5, $6, 'building')`,
    [row.id, serverId, row.databaseName, row.username, row.scramVerifier, row.passwordCiphertext],
  );
}

export async function recordOids(dataSource: DataSource, row: WarmRow): Promise<void> {
  await dataSource.query('UPDATE warm_databases SET role_oid = $2, database_oid = $3 WHERE id = $1', [
    row.id,
    row.roleOid,
    row.databaseOid,
  ]);
}

/** One that was retired meanwhile stays retired. */
export async function finishInStock(dataSource: DataSource, id: string): Promise<void> {
  await dataSource.query(`UPDATE warm_databases SET state = 'ready' WHERE id = $1 AND state = 'building'`, [
    id,
  ]);
}

export async function removeFromStock(dataSource: DataSource, id: string): Promise<void> {
  await dataSource.query('DELETE FROM warm_databases WHERE id = $1', [id]);
}

/** Nothing that is there now is handed out any more; the builder removes it. */
export async function retireStock(dataSource: DataSource, serverId: string): Promise<void> {
  await dataSource.query(`UPDATE warm_databases SET state = 'retired' WHERE server_id = $1`, [serverId]);
}

export async function retireFromStock(dataSource: DataSource, id: string): Promise<void> {
  await dataSource.query(`UPDATE warm_databases SET state = 'retired' WHERE id = $1`, [id]);
}
