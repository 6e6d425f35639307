import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Cursor } from '../../http/pagination.js';
import { statesBefore } from '../../kernel/transitions.js';
import type { DryRunResult, Migration, MigrationError } from './migration.js';
import { MIGRATION_TRANSITIONS, type MigrationState } from './migration-state.js';

const SELECT = `
  SELECT id, template_id AS "templateId", version, dry_run AS "dryRun", state, requested, strategy, filter, error, report,
         created_by AS "createdBy", created_at AS "createdAt", started_at AS "startedAt", finished_at AS "finishedAt"
  FROM migrations`;

const INSERT = `
  INSERT INTO migrations (id, template_id, version, dry_run, state, strategy, filter, created_by, created_at)
  VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8)`;

const LIST = `${SELECT}
  WHERE ($1::uuid IS NULL OR template_id = $1) AND ($2::text IS NULL OR state = $2)
    AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
  ORDER BY created_at DESC, id DESC LIMIT $5`;

const FIND_UNFINISHED = `${SELECT}
  WHERE template_id = $1 AND state IN ('pending', 'running', 'paused') AND NOT dry_run`;

const START = `
  UPDATE migrations SET state = 'running', started_at = coalesce(started_at, now()), updated_at = now()
  WHERE id = $1 AND state IN ('pending', 'running')`;

const MOVE = `
  UPDATE migrations SET state = $2, requested = NULL, error = $4, updated_at = now(),
    finished_at = CASE WHEN $2 IN ('succeeded', 'failed', 'cancelled') THEN now() END
  WHERE id = $1 AND state = ANY ($3)`;

const REQUEST = `
  UPDATE migrations SET requested = $2, error = coalesce($3, error), updated_at = now()
  WHERE id = $1 AND state IN ('pending', 'running') AND (requested IS NULL OR $2 = 'cancel')`;

type Queryable = Pick<EntityManager, 'query'>;
type Updated = readonly [unknown[], number];

export interface MigrationListFilter {
  readonly templateId?: string;
  readonly state?: MigrationState;
  readonly limit: number;
}

/** Only SQL: what may happen is decided in the services. */
@Injectable()
export class MigrationsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string, tx: Queryable = this.dataSource): Promise<Migration | null> {
    const [migration]: Migration[] = await tx.query(`${SELECT} WHERE id = $1`, [id]);
    return migration ?? null;
  }

  /** Locks the row until the transaction ends, so that two requests decide one after the other. */
  async findLocked(tx: EntityManager, id: string): Promise<Migration | null> {
    const [migration]: Migration[] = await tx.query(`${SELECT} WHERE id = $1 FOR UPDATE`, [id]);
    return migration ?? null;
  }

  /** The template's migration that is under way or paused; a template has one at most. */
  async findUnfinished(templateId: string): Promise<Migration | null> {
    const [migration]: Migration[] = await this.dataSource.query(FIND_UNFINISHED, [templateId]);
    return migration ?? null;
  }

  /** Newest first, up to `limit + 1` rows. */
  list({ templateId, state, limit }: MigrationListFilter, after: Cursor | null): Promise<Migration[]> {
    const keyset = [after?.createdAt ?? null, after?.id ?? null];
    return this.dataSource.query(LIST, [templateId ?? null, state ?? null, ...keyset, limit + 1]);
  }

  async insert(tx: EntityManager, migration: Migration): Promise<void> {
    await tx.query(INSERT, [
      migration.id,
      migration.templateId,
      migration.version,
      migration.dryRun,
      JSON.stringify(migration.strategy),
      JSON.stringify(migration.filter),
      migration.createdBy,
      migration.createdAt,
    ]);
  }

  /** Notes that somebody works on it. */
  async start(id: string): Promise<void> {
    await this.dataSource.query(START, [id]);
  }

  /** Whether it was in a state from which it may move there. What was asked of it is answered by this. */
  async move(
    tx: Queryable,
    id: string,
    { to, error }: { to: MigrationState; error: MigrationError | null },
  ): Promise<boolean> {
    const from = statesBefore(MIGRATION_TRANSITIONS, to);
    const [, count]: Updated = await tx.query(MOVE, [id, to, from, error && JSON.stringify(error)]);
    return count === 1;
  }

  /** Asks the run to stop; false when there is none. A cancel outweighs a pause. */
  async request(
    tx: Queryable,
    id: string,
    { wish, error }: { wish: 'pause' | 'cancel'; error: MigrationError | null },
  ): Promise<boolean> {
    const [, count]: Updated = await tx.query(REQUEST, [id, wish, error && JSON.stringify(error)]);
    return count === 1;
  }

  async findRequested(id: string): Promise<'pause' | 'cancel' | null> {
    const [row]: Pick<Migration, 'requested'>[] = await this.dataSource.query(
      'SELECT requested FROM migrations WHERE id = $1',
      [id],
    );
    return row?.requested ?? null;
  }

  async report(id: string, results: readonly DryRunResult[]): Promise<void> {
    await this.dataSource.query('UPDATE migrations SET report = $2, updated_at = now() WHERE id = $1', [
      id,
      JSON.stringify(results),
    ]);
  }
}
