import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgres } from '../../src/stack/binaries.js';

export interface Reconnecting {
  /** Transactions, each with a login of its own. */
  readonly logins: number;
  readonly output: string;
}

/** Logs in again for each transaction (`pgbench -C`), with two clients; rejects when a single login fails. */
export async function reconnectFor(connectionString: string, seconds: number): Promise<Reconnecting> {
  const { directory } = await findPostgres(null, null);
  const scratch = await mkdtemp(join(tmpdir(), 'rowhouse-pgbench-'));
  const script = join(scratch, 'script.sql');
  await writeFile(script, 'SELECT 1;\n');
  const url = new URL(connectionString);
  const program = join(directory, 'pgbench');
  const database = url.pathname.slice(1);
  const options = ['-n', '-C', '-c', '2', '-T', String(seconds), '-f', script, database];
  const env = {
    ...process.env,
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: url.username,
    PGPASSWORD: url.password,
    PGSSLMODE: 'require',
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, options, { env });
    const [, logins] = /transactions actually processed: (\d+)/.exec(stdout) ?? [];
    if (/aborted|failed:/.test(stderr)) throw new Error(stderr);
    return { logins: Number(logins), output: stdout + stderr };
  } finally {
    await rm(scratch, { recursive: true });
  }
}
