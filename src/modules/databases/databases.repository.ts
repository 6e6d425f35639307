import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { controlPool } from '../../infra/control-db/control-pool.js';
import { DatabaseEntity } from './database.entity.js';
import type { DatabaseStatus } from './database-status.js';
import type { ListDatabasesQuery } from './dto/list-databases.query.js';
import type { ListCursor } from './list-cursor.js';

/** Only SQL: what may happen is decided in the services. */
@Injectable()
export class DatabasesRepository {
  private findById: string | null = null;

  constructor(private readonly dataSource: DataSource) {}

  /** The most frequent of all, so without query builder and query runner. */
  async find(id: string): Promise<DatabaseEntity | null> {
    this.findById ??= `SELECT ${this.columns()} FROM databases WHERE id = $1`;
    const { rows } = await controlPool(this.dataSource).query<DatabaseEntity>(this.findById, [id]);
    return rows[0] ?? null;
  }

  findWithin(tx: EntityManager, id: string): Promise<DatabaseEntity | null> {
    return tx.findOneBy(DatabaseEntity, { id });
  }

  /** Locks the row until the transaction ends, so that two requests decide one after the other. */
  findLocked(tx: EntityManager, id: string): Promise<DatabaseEntity | null> {
    return tx.findOne(DatabaseEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Makes callers with the same name wait for each other until the transaction ends, and finds what has it. */
  async findByNameLocked(tx: EntityManager, friendlyName: string): Promise<DatabaseEntity[]> {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('database by name: ' || $1, 0))", [
      friendlyName,
    ]);
    return tx.findBy(DatabaseEntity, { friendlyName });
  }

  async insert(tx: EntityManager, database: DatabaseEntity): Promise<void> {
    await tx.insert(DatabaseEntity, database);
  }

  async update(manager: EntityManager, id: string, changes: Partial<DatabaseEntity>): Promise<void> {
    await manager.update(DatabaseEntity, { id }, changes);
  }

  /** Records what a step found on the server, outside any transaction. */
  async record(id: string, facts: Partial<DatabaseEntity>): Promise<void> {
    await this.dataSource.manager.update(DatabaseEntity, { id }, facts);
  }

  /** The end of a creation, which is no change of what was asked for: `updated_at` stays. */
  async activate(tx: EntityManager, id: string): Promise<void> {
    await tx.query("UPDATE databases SET status = 'active' WHERE id = $1 AND status = 'creating'", [id]);
  }

  /** Whether the row was in one of the states `from`. */
  async move(
    tx: EntityManager,
    id: string,
    { from, to, at }: { from: readonly DatabaseStatus[]; to: DatabaseStatus; at: Date },
  ): Promise<boolean> {
    const result = await tx
      .createQueryBuilder()
      .update(DatabaseEntity)
      .set({ status: to, updatedAt: at })
      .where('id = :id AND status IN (:...from)', { id, from })
      .execute();
    return result.affected === 1;
  }

  async delete(tx: EntityManager, id: string): Promise<void> {
    await tx.delete(DatabaseEntity, { id });
  }

  /** Up to `limit + 1` rows: the last one only tells that there is another page. */
  list(query: ListDatabasesQuery, cursor: ListCursor | null): Promise<DatabaseEntity[]> {
    const descending = query.sort.startsWith('-');
    const column = query.sort.endsWith('created_at') ? 'createdAt' : 'friendlyName';
    const direction = descending ? 'DESC' : 'ASC';
    const builder = this.dataSource
      .createQueryBuilder(DatabaseEntity, 'database')
      .orderBy(`database.${column}`, direction)
      .addOrderBy('database.id', direction)
      .take(query.limit + 1);
    if (query.status) builder.andWhere('database.status = :status', { status: query.status });
    if (query.ownerEmail) {
      builder.andWhere('lower(database.ownerEmail) = lower(:owner)', { owner: query.ownerEmail });
    }
    if (query.search) {
      builder.andWhere(
        `(database.friendlyName ILIKE :pattern OR database.databaseName ILIKE :pattern OR database.ownerEmail ILIKE :pattern)`,
        { pattern: `%${query.search.replace(/[\\%_]/g, '\\$&')}%` },
      );
    }
    if (cursor) {
      const type = column === 'createdAt' ? 'timestamptz' : 'text';
      builder.andWhere(
        `(database.${column}, database.id) ${descending ? '<' : '>'} (CAST(:value AS ${type}), CAST(:cursorId AS uuid))`,
        { value: cursor.value, cursorId: cursor.id },
      );
    }
    return builder.getMany();
  }

  private columns(): string {
    const { columns } = this.dataSource.getMetadata(DatabaseEntity);
    return columns.map((column) => `${column.databaseName} AS "${column.propertyName}"`).join(', ');
  }
}
