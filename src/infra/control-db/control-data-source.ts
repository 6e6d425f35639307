import { setTimeout as pause } from 'node:timers/promises';
import { DataSource, type EntityManager, QueryFailedError } from 'typeorm';
import { isTransactionConflict } from '../postgres/sqlstate.js';

const ATTEMPTS = 4;
const LONGEST_PAUSE_MS = 100;

type Work<T> = (tx: EntityManager) => Promise<T>;
type Arguments<T> = [work: Work<T>] | [isolation: Parameters<DataSource['transaction']>[0], work: Work<T>];

/**
 * TypeORM's, with transactions that begin again when PostgreSQL ends them for a deadlock or a serialization failure
 * (manual, 13.5): nothing of them has happened then. Another pause each time keeps two that met from meeting again.
 */
export class ControlDataSource extends DataSource {
  override async transaction<T>(...given: Arguments<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await super.transaction(...(given as [never, never]));
      } catch (error) {
        if (attempt === ATTEMPTS || !isConflictHere(error)) throw error;
        await pause(Math.random() * LONGEST_PAUSE_MS);
      }
    }
  }
}

/** TypeORM wraps its own errors alone: the work may also meet those of a managed server. */
function isConflictHere(error: unknown): boolean {
  return error instanceof QueryFailedError && isTransactionConflict(error);
}
