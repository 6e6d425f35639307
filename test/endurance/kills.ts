import { readFileSync } from 'node:fs';
import { until } from '../support/until.js';
import type { World } from '../support/world.js';

type Kill = (world: World) => Promise<void>;

/** Each ends something as a crash does, and returns when that has been started again. */
export const KILLS: Readonly<Record<string, Kill>> = {
  'the API': killApi,
  'a session of PostgreSQL': killBackend,
  PgBouncer: killPgBouncer,
};

async function killApi({ app }: World): Promise<void> {
  await app.kill();
  await app.start();
}

/** PostgreSQL then ends all of its sessions and recovers as after a crash. */
async function killBackend({ server, stack }: World): Promise<void> {
  const sessions = await server.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
  );
  const own = sessions.filter(({ pid }) => parentOf(pid) === stack.postgres.pid);
  const victim = own[Math.floor(Math.random() * own.length)];
  if (!victim) return;
  process.kill(victim.pid, 'SIGKILL');
  await until(
    'PostgreSQL is back',
    async () => {
      const gone = await server.query('SELECT FROM pg_stat_activity WHERE pid = $1', [victim.pid]);
      return gone.length === 0;
    },
    { timeoutMs: 60_000 },
  );
}

async function killPgBouncer({ stack: { pgbouncer }, pooler }: World): Promise<void> {
  const { pid } = pgbouncer;
  if (!pid) return;
  process.kill(pid, 'SIGKILL');
  await until(
    'PgBouncer is back',
    async () => pgbouncer.pid !== pid && (await pooler.query('SHOW VERSION')).length > 0,
    { timeoutMs: 60_000 },
  );
}

/** A process that ended meanwhile may have left its number to somebody else. */
function parentOf(pid: number): number | null {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}
