import type { Pool } from 'pg';
import { RowhouseError } from '../../kernel/errors.js';

const EVERY_MS = 500;
const LOOKS = 10;

/**
 * DROP DATABASE asks every backend of the server to close the files of the database, and waits until each has answered
 * (`IPC/ProcSignalBarrier` in pg_stat_activity). A cancelled one leaves a database that nobody can enter and that the next
 * DROP DATABASE removes.
 */
const LOOK = `
  SELECT wait_event = 'ProcSignalBarrier' AS "isWaiting" FROM pg_catalog.pg_stat_activity WHERE pid = $1`;
const CANCEL = 'SELECT pg_catalog.pg_cancel_backend($1)';

/** Cancels the statement of the process `pid` when a backend has not answered for five seconds: SERVICE_UNAVAILABLE. */
export async function giveUpAtBarrier(
  rescue: Pool,
  pid: number | null,
  statement: () => Promise<unknown>,
): Promise<void> {
  let looks = 0;
  let isCancelled = false;
  let isAsking = false;
  const look = async () => {
    const { rows } = await rescue.query<{ isWaiting: boolean | null }>(LOOK, [pid]);
    looks = rows[0]?.isWaiting ? looks + 1 : 0;
    if (looks < LOOKS) return;
    isCancelled = true;
    await rescue.query(CANCEL, [pid]);
  };
  const timer = setInterval(() => {
    if (isAsking) return;
    isAsking = true;
    void look()
      .catch(() => {})
      .finally(() => {
        isAsking = false;
      });
  }, EVERY_MS);
  try {
    await statement();
  } catch (error) {
    throw isCancelled ? unanswered(error) : error;
  } finally {
    clearInterval(timer);
  }
}

function unanswered(cause: unknown): RowhouseError {
  return new RowhouseError(
    'SERVICE_UNAVAILABLE',
    'PostgreSQL waits for a session that does not answer, and drops no database until it does. It is tried again.',
    { cause },
  );
}
