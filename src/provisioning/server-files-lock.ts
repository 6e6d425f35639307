import type { EntityManager } from 'typeorm';
import type { ManagedServer } from './managed-server.js';

const LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('rowhouse pooler files ' || $1, 0))`;
const TRY_LOCK = `SELECT pg_try_advisory_xact_lock(hashtextextended('rowhouse pooler files ' || $1, 0)) AS held`;

/** Every process that writes a server's files holds this lock from reading the rows until they are live. */
export async function lockServerFiles(tx: EntityManager, { id }: ManagedServer): Promise<void> {
  await tx.query(LOCK, [id]);
}

/** Whether nobody else held it. */
export async function tryToLockServerFiles(tx: EntityManager, { id }: ManagedServer): Promise<boolean> {
  const [row]: { held: boolean }[] = await tx.query(TRY_LOCK, [id]);
  return row?.held ?? false;
}
