import { setTimeout as pause } from 'node:timers/promises';
import type { Client, ClientBase, ClientConfig, Pool, QueryResult } from 'pg';
import { openSession } from '../../../infra/postgres/open-session.js';
import { openSessionPool } from '../../../infra/postgres/session-pool.js';
import type { LeakAttack, LeakPair } from './leak-attacks.js';
import type { LeakNotes, LeakObservation } from './leak-judgement.js';

export interface LeakLogin {
  readonly user: string;
  readonly password: string;
}

/** Where a self-test takes place: two tenants that are there for it, and one server connection for everybody. */
export interface LeakStage {
  readonly pair: LeakPair;
  readonly notes: LeakNotes;
  readonly a: LeakLogin;
  readonly b: LeakLogin;
  /** The host's roles; null where Rowhouse does not know the password. */
  readonly app: LeakLogin | null;
  readonly readonly: LeakLogin | null;
  /** The alias of one server connection, without a login. */
  readonly pooled: ClientConfig;
  /** For one statement in a session of its own. */
  direct(login: LeakLogin): ClientConfig;
  /** Sends A's row to whoever listens. */
  notify(): Promise<void>;
}

/** One way in which tenants come to their rows. */
export interface LeakDoor {
  readonly name: string;
  /** Whose password it takes. */
  readonly login: 'own' | 'app' | 'readonly';
  readonly attacks: readonly LeakAttack[];
  try(stage: LeakStage, attack: LeakAttack): Promise<LeakObservation>;
}

/** Runs a statement; gives the values of its rows. */
export type Ask = (sql: string) => Promise<readonly string[]>;

export type Tried = Pick<LeakObservation, 'statements' | 'refusals' | 'seenByA' | 'processA'>;
export type Looked = Pick<LeakObservation, 'readByB' | 'seenByB' | 'processB'>;

const NOTIFICATION_MS = 20;

/** A's visit. Each statement is tried, whatever became of those before it. */
export async function intrude(attack: LeakAttack, { pair }: LeakStage, ask: Ask): Promise<Tried> {
  const statements = attack.statements(pair);
  const processA = await processOf(ask);
  const { seen, refusals } = await attempt(statements, ask);
  return { statements: statements.length, refusals, seenByA: seen, processA };
}

/** B's visit: its own table, and what somebody may have left. */
export async function look(attack: LeakAttack, stage: LeakStage, ask: Ask): Promise<Looked> {
  const processB = await processOf(ask);
  const own = await attempt(['SELECT note FROM products'], ask);
  const others = await attempt(attack.peeks, ask);
  if (attack.notifies) await listen(stage, ask);
  return { processB, readByB: own.refusals.length > 0 ? null : own.seen, seenByB: others.seen };
}

export function asking(client: Pick<ClientBase, 'query'>): Ask {
  return async (sql) => valuesOf(await client.query(sql));
}

/** Collects what the client is told without having asked. */
export function hear(client: ClientBase): string[] {
  const heard: string[] = [];
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  return heard;
}

/** Logged in, for which PgBouncer before 1.19 uses the alias's one server connection itself. */
export function enter({ pooled }: LeakStage, { user, password }: LeakLogin): Promise<Client> {
  return openSession({ ...pooled, user, password });
}

/** A pool of one client, which is logged in already. */
export async function openPool({ pooled }: LeakStage, { user, password }: LeakLogin): Promise<Pool> {
  const pool = openSessionPool({ ...pooled, user, password, max: 1, idleTimeoutMillis: 0 });
  (await pool.connect()).release();
  return pool;
}

export function appOf({ app }: LeakStage): LeakLogin {
  if (app) return app;
  throw new Error("the password of the host's _app role is not known");
}

async function attempt(
  statements: readonly string[],
  ask: Ask,
): Promise<{ seen: string[]; refusals: string[] }> {
  const seen: string[] = [];
  const refusals: string[] = [];
  for (const sql of statements) {
    try {
      seen.push(...(await ask(sql)));
    } catch (error) {
      refusals.push(`${sql}: ${reasonOf(error)}`);
    }
  }
  return { seen, refusals };
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}

/** What a connection is told comes with the next answer at the latest. */
async function listen({ notify }: LeakStage, ask: Ask): Promise<void> {
  await notify();
  await pause(NOTIFICATION_MS);
  await ask('SELECT 1');
}

async function processOf(ask: Ask): Promise<number> {
  const [pid] = await ask('SELECT pg_backend_pid()');
  return Number(pid);
}

/** Several statements in one message have several results. */
function valuesOf(results: QueryResult | QueryResult[]): string[] {
  const rows = [results].flat().flatMap((result) => result.rows as Record<string, unknown>[]);
  return rows.flatMap((row) => Object.values(row).map(String));
}
