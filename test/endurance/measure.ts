import { readdirSync, readFileSync } from 'node:fs';
import type { ChildApp } from '../support/app.js';
import type { World } from '../support/world.js';

/** Figures by name, of one moment. */
export type Sample = Readonly<Record<string, number>>;

const SESSIONS = `
  SELECT count(*)::int AS all, count(*) FILTER (WHERE state = 'active')::int AS active
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'rowhouse-test'`;

const TABLES = `
  SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY 1`;

/** Memory, open files, sessions, and the rows of each table of the control database. */
export async function takeSample({ app, stack, server, control }: World): Promise<Sample> {
  const { pid } = app as ChildApp;
  const [sessions] = await server.query<{ all: number; active: number }>(SESSIONS);
  return {
    'API: memory in MB': megabytesOf(pid),
    'API: open files': filesOf(pid),
    'PgBouncer: memory in MB': megabytesOf(stack.pgbouncer.pid),
    'PgBouncer: open files': filesOf(stack.pgbouncer.pid),
    'Redis: memory in MB': megabytesOf(stack.redis?.pid),
    'PostgreSQL: sessions': sessions?.all ?? 0,
    'PostgreSQL: active sessions': sessions?.active ?? 0,
    ...(await countRows(control)),
  };
}

export async function countRows(control: World['control']): Promise<Sample> {
  const tables = await control.query<{ name: string }>(TABLES);
  const counts = tables.map(async ({ name }) => {
    const [row] = await control.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${name}`);
    return [`rows of ${name}`, row?.rows ?? 0] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}

export function renderSamples(samples: Readonly<Record<string, Sample>>): string {
  const columns = Object.values(samples);
  const names = [...new Set(columns.flatMap(Object.keys))];
  const head =
    ''.padEnd(40) +
    Object.keys(samples)
      .map((when) => when.padStart(12))
      .join('');
  const lines = names.map(
    (name) => name.padEnd(40) + columns.map((column) => String(column[name] ?? '-').padStart(12)).join(''),
  );
  return [head, ...lines].join('\n');
}

function megabytesOf(pid: number | null | undefined): number {
  if (!pid) return 0;
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

function filesOf(pid: number | null | undefined): number {
  return pid ? readdirSync(`/proc/${pid}/fd`).length : 0;
}
