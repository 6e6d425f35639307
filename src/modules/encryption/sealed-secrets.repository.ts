import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SEALED_COLUMNS, type SealedColumn } from './sealed-columns.js';

export interface SealedRow {
  readonly key: readonly string[];
  readonly names: readonly string[];
  readonly sealed: string;
}

export interface Resealed {
  readonly key: readonly string[];
  readonly before: string;
  readonly after: string;
}

export interface KeyCount {
  readonly keyId: string;
  readonly secrets: number;
}

const KEY_ID = (column: string) => `split_part(${column}, '.', 2)`;

const TRY_LOCK = `SELECT pg_try_advisory_xact_lock(hashtextextended('rowhouse reseal', 0)) AS locked`;

/** The sealed secrets of the control database, wherever they stand. */
@Injectable()
export class SealedSecretsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** How many secrets each key has sealed, by the keys' ids. */
  async count(): Promise<KeyCount[]> {
    const all = SEALED_COLUMNS.map(
      ({ table, column }) => `SELECT ${KEY_ID(column)} AS key_id FROM ${table} WHERE ${column} IS NOT NULL`,
    );
    return this.dataSource.query(
      `SELECT key_id AS "keyId", count(*)::integer AS secrets FROM (${all.join(' UNION ALL ')}) sealed
       GROUP BY key_id ORDER BY key_id`,
    );
  }

  /** Runs `work` in a transaction, unless another process does so just now: then null. */
  tryAlone<T>(work: (tx: EntityManager) => Promise<T>): Promise<T | null> {
    return this.dataSource.transaction(async (tx) => {
      const [row]: { locked: boolean }[] = await tx.query(TRY_LOCK);
      return row?.locked ? work(tx) : null;
    });
  }

  /** Secrets of other keys than the given one, in the order of the primary key, behind `after`. */
  async find(
    tx: EntityManager,
    sealed: SealedColumn,
    { keyId, after, limit }: { keyId: string; after: readonly string[] | null; limit: number },
  ): Promise<SealedRow[]> {
    const { column, from, names } = sealed;
    const key = keyColumns(sealed);
    const behind = after ? `AND (${key}) > (${placeholders(sealed, 3)})` : '';
    const sql = `
      SELECT ARRAY[${castAll(key)}] AS key, ARRAY[${names.join(', ')}]::text[] AS names, t.${column} AS sealed
      FROM ${from} WHERE t.${column} IS NOT NULL AND ${KEY_ID(`t.${column}`)} <> $1 ${behind}
      ORDER BY ${key} LIMIT $2`;
    return tx.query(sql, [keyId, limit, ...(after ?? [])]);
  }

  /** Only where the secret is still the one that was read: a rotation may have replaced it. */
  async replace(tx: EntityManager, sealed: SealedColumn, { key, before, after }: Resealed): Promise<void> {
    const { table, column } = sealed;
    await tx.query(
      `UPDATE ${table} t SET ${column} = $1 WHERE t.${column} = $2 AND (${keyColumns(sealed)}) = (${placeholders(sealed, 3)})`,
      [after, before, ...key],
    );
  }
}

function keyColumns({ key }: SealedColumn): string {
  return Object.keys(key)
    .map((name) => `t.${name}`)
    .join(', ');
}

function castAll(columns: string): string {
  return columns
    .split(', ')
    .map((column) => `${column}::text`)
    .join(', ');
}

function placeholders({ key }: SealedColumn, first: number): string {
  return Object.values(key)
    .map((type, at) => `$${first + at}::${type}`)
    .join(', ');
}
