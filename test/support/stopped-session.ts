import type { Client } from 'pg';
import { connect } from './sql.js';

/** A session whose backend heeds nothing, and PostgreSQL's requests neither, until it is let go on. */
export interface StoppedSession {
  readonly pid: number;
  goOn(): Promise<void>;
}

export async function stopSession(url: string): Promise<StoppedSession> {
  const client: Client = await connect(url);
  const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  let isStopped = true;
  return {
    pid,
    goOn: async () => {
      if (isStopped) process.kill(pid, 'SIGCONT');
      isStopped = false;
      await client.end().catch(() => undefined);
    },
  };
}
