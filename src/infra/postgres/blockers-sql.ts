import { SEALABLE, type SealableSession } from './session-seal.js';

/** The sessions that the process `$1` waits for, but those of superusers. */
export const FIND_BLOCKERS = `
  SELECT ${SEALABLE}
  FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS blocker (pid)
  JOIN pg_catalog.pg_stat_activity a ON a.pid = blocker.pid
  JOIN pg_catalog.pg_authid r ON r.oid = a.usesysid
  WHERE NOT r.rolsuper`;

/** Sessions of roles in whose name Rowhouse alone works, and which have had ten seconds to show their seal. */
export const FIND_WORKERS = `
  SELECT ${SEALABLE}, a.usename AS role
  FROM pg_catalog.pg_stat_activity a
  WHERE a.usename ~ '^(tenant_[0-9a-f]{8}|rowhouse_[a-z_]+)_worker$'
    AND a.backend_start < pg_catalog.now() - pg_catalog.make_interval(secs => 10)`;

/** The same of one role, `$1`, however young they are. */
export const FIND_WORKERS_OF = `
  SELECT ${SEALABLE}, a.usename AS role FROM pg_catalog.pg_stat_activity a WHERE a.usename = $1`;

export interface WorkerSession extends SealableSession {
  readonly role: string;
}

/** Ends the sessions `$1` (process ids) that began at `$2` (microseconds): a process id passes on to others. */
export const END_FOUND = `
  SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid)
  FROM ROWS FROM (pg_catalog.unnest($1::integer[]), pg_catalog.unnest($2::bigint[])) AS doomed (pid, started_at)
  JOIN pg_catalog.pg_stat_activity a
    ON a.pid = doomed.pid AND (extract(epoch FROM a.backend_start) * 1000000)::bigint = doomed.started_at`;
