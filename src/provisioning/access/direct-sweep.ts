import type { ManagedServer } from '../managed-server.js';
import type { AccessPlan } from './access-plan.js';
import { accessJudge } from './evaluate-access.js';

export interface DirectSession extends Record<string, unknown> {
  readonly pid: number;
  /** As text, since a Date would lose the microseconds. */
  readonly startedAt: string;
  readonly database: string;
  readonly role: string;
  readonly address: string;
}

/** Sessions that came over TCP and have logged in. */
const FIND_SESSIONS = `
  SELECT pid, backend_start::text AS "startedAt", datname AS database, usename AS role,
         pg_catalog.host(client_addr) AS address
  FROM pg_catalog.pg_stat_activity
  WHERE client_addr IS NOT NULL AND datname IS NOT NULL AND usename IS NOT NULL
    AND pid <> pg_catalog.pg_backend_pid()`;

/** A process id may have passed on to somebody else meanwhile. */
const END_SESSIONS = `
  SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a
  JOIN ROWS FROM (pg_catalog.unnest($1::integer[]), pg_catalog.unnest($2::timestamptz[])) AS doomed (pid, started_at)
    ON a.pid = doomed.pid AND a.backend_start = doomed.started_at`;

/** Returns those that were told to end. */
export async function sweepDirect({ postgres }: ManagedServer, plan: AccessPlan): Promise<DirectSession[]> {
  const judge = accessJudge(plan, 'direct');
  const sessions = await postgres.query<DirectSession>(FIND_SESSIONS);
  const doomed = sessions.filter((session) => !judge(session).allowed);
  if (doomed.length === 0) return doomed;
  await postgres.query(END_SESSIONS, [
    doomed.map((session) => session.pid),
    doomed.map((session) => session.startedAt),
  ]);
  return doomed;
}
