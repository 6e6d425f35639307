import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgres } from '../../src/stack/binaries.js';

type Program = 'pg_dump' | 'pg_restore' | 'psql';

const MAX_OUTPUT = 64 * 1024 * 1024;

/** Runs a program of PostgreSQL's with a connection string, and returns what it wrote; rejects with its messages. */
export async function runClient(
  program: Program,
  connectionString: string,
  args: readonly string[] = [],
): Promise<string> {
  const { directory } = await findPostgres(null, null);
  const url = new URL(connectionString);
  const env = {
    ...process.env,
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGDATABASE: url.pathname.slice(1),
    PGUSER: url.username,
    PGPASSWORD: decodeURIComponent(url.password),
    PGSSLMODE: 'require',
  };
  const path = join(directory, program);
  const { stdout } = await promisify(execFile)(path, args, { env, maxBuffer: MAX_OUTPUT });
  return stdout;
}
