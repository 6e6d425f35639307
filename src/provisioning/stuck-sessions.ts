import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { RowhouseError } from '../kernel/errors.js';
import type { ManagedServer } from './managed-server.js';

/** A session that lives on although it was terminated. */
export interface StuckSession {
  readonly pid: number;
  /** As text, since a Date would lose the microseconds. */
  readonly startedAt: string;
  readonly role: string;
  readonly database: string;
  readonly noticedAt: Date;
}

const NOTE = `
  INSERT INTO stuck_sessions (server_id, pid, started_at, role_name, database_name)
  SELECT $1, s.pid, s.started_at, s.role, s.database
  FROM jsonb_to_recordset($2::jsonb) AS s (pid integer, started_at timestamptz, role text, database text)
  ON CONFLICT DO NOTHING
  RETURNING pid, role_name AS role, database_name AS database, started_at::text AS "startedAt", noticed_at AS "noticedAt"`;
const LIST = `
  SELECT pid, role_name AS role, database_name AS database, started_at::text AS "startedAt", noticed_at AS "noticedAt"
  FROM stuck_sessions WHERE server_id = $1 ORDER BY noticed_at, pid`;
const FORGET = `
  DELETE FROM stuck_sessions s
  USING ROWS FROM (unnest($2::integer[]), unnest($3::timestamptz[])) AS gone (pid, started_at)
  WHERE s.server_id = $1 AND s.pid = gone.pid AND s.started_at = gone.started_at`;

const FIND_SESSIONS = `
  SELECT pid, backend_start::text AS started_at, usename::text AS role, datname::text AS database
  FROM pg_catalog.pg_stat_activity
  WHERE pid = ANY ($1::integer[]) AND usename IS NOT NULL AND datname IS NOT NULL`;
const FIND_LIVING = `
  SELECT s.pid, s.started_at::text AS "startedAt"
  FROM ROWS FROM (pg_catalog.unnest($1::integer[]), pg_catalog.unnest($2::timestamptz[])) AS s (pid, started_at)
  JOIN pg_catalog.pg_stat_activity a ON a.pid = s.pid AND a.backend_start = s.started_at`;

/**
 * Sessions that outlive their termination. A backend heeds it only between steps of its work, as it heeds everything that
 * PostgreSQL asks of all backends: until it ends, no database of the server can be dropped.
 */
@Injectable()
export class StuckSessions {
  private readonly logger = new Logger(StuckSessions.name);

  constructor(private readonly dataSource: DataSource) {}

  /** Remembers those of these processes that still have a session. They were told to end some seconds ago. */
  async note(server: ManagedServer, pids: readonly number[]): Promise<void> {
    const found = await server.postgres.query(FIND_SESSIONS, [pids]);
    const noted: StuckSession[] = await this.dataSource.query(NOTE, [server.id, JSON.stringify(found)]);
    for (const session of noted) {
      this.logger.error(`Server "${server.name}": ${describeSession(session)} outlives its termination`);
    }
  }

  /** As they were at the last look. */
  list({ id }: Pick<ManagedServer, 'id'>): Promise<StuckSession[]> {
    return this.dataSource.query(LIST, [id]);
  }

  /** Looks again, and forgets those that have ended. */
  async look(server: ManagedServer): Promise<StuckSession[]> {
    const known = await this.list(server);
    if (known.length === 0) return [];
    const keys = [known.map(({ pid }) => pid), known.map(({ startedAt }) => startedAt)];
    const rows = await server.postgres.query<{ pid: number }>(FIND_LIVING, keys);
    const living = new Set(rows.map(({ pid }) => pid));
    const gone = known.filter(({ pid }) => !living.has(pid));
    if (gone.length > 0) await this.forget(server, gone);
    return known.filter(({ pid }) => living.has(pid));
  }

  /** Throws SERVICE_UNAVAILABLE while one lives on. */
  async assertNone(server: ManagedServer): Promise<void> {
    const [first] = await this.look(server);
    if (first) throw waitsFor(first);
  }

  private async forget(server: ManagedServer, gone: readonly StuckSession[]): Promise<void> {
    const keys = [gone.map(({ pid }) => pid), gone.map(({ startedAt }) => startedAt)];
    await this.dataSource.query(FORGET, [server.id, ...keys]);
    for (const session of gone) {
      this.logger.log(`Server "${server.name}": ${describeSession(session)} has ended`);
    }
  }
}

export function waitsFor(session: StuckSession): RowhouseError {
  return new RowhouseError(
    'SERVICE_UNAVAILABLE',
    `PostgreSQL waits for ${describeSession(session)}, which was told to end and does not. It is tried again.`,
  );
}

export function describeSession({ role, database, pid, startedAt }: StuckSession): string {
  return `the session of ${role} in ${database} (process ${pid}, since ${startedAt})`;
}
