import { Client, type ClientConfig } from 'pg';
import { IS_ADMINISTRATOR } from './blockers-sql.js';
import { SQLSTATE, sqlState } from './sqlstate.js';

/** Sessions of one role that were ended. */
export interface LockHog {
  readonly role: string;
  readonly sessions: number;
  readonly locks: number;
}

/**
 * Locks that the watch holds for nothing, to have room when the table is full: even to look up a role takes a lock on a
 * catalog that all databases share, and such locks stand in no other place. They are let go a portion at a time, since
 * others wait for room as well.
 */
const BALLAST = 200;
const PORTION = 40;
const CLASS = 7_264_035;

const TAKE_BALLAST = `
  SELECT pg_catalog.pg_advisory_lock_shared(${CLASS}, g) FROM pg_catalog.generate_series(1, $1::integer) g`;
const DROP_PORTION = `
  SELECT pg_catalog.pg_advisory_unlock_shared(${CLASS}, g)
  FROM pg_catalog.generate_series($1::integer - ${PORTION} + 1, $1::integer) g`;

/** Looks up who is there, so that this session still knows when there is no room to look. */
const MEET_EVERYBODY = `
  SELECT count(pg_catalog.pg_get_userbyid(a.usesysid)) FROM pg_catalog.pg_stat_get_activity(NULL) a`;

/** Their work takes many locks by nature. */
const FIND_ADMINISTRATORS = `SELECT r.oid FROM pg_catalog.pg_roles r WHERE ${IS_ADMINISTRATOR}`;

/** The functions under pg_locks and pg_stat_activity: the views read shared catalogs. */
const LOOK = `
  SELECT (SELECT count(*)::integer FROM pg_catalog.pg_lock_status() l WHERE NOT l.fastpath) AS held,
         pg_catalog.current_setting('max_locks_per_transaction')::integer
           * (pg_catalog.current_setting('max_connections')::integer
              + pg_catalog.current_setting('max_prepared_transactions')::integer) AS nominal`;

/** Ends the sessions with more than `$1` locks, of the role that holds the most; those of `$2` do not count. */
const END_HOG_SQL = `
  WITH held AS (
    SELECT a.usesysid AS role, a.pid, count(*)::integer AS locks
    FROM pg_catalog.pg_lock_status() l JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = l.pid
    WHERE NOT l.fastpath
      AND a.usesysid <> ALL($2::oid[])
    GROUP BY a.usesysid, a.pid),
  hog AS (SELECT role FROM held GROUP BY role ORDER BY sum(locks) DESC LIMIT 1)
  SELECT pg_catalog.pg_get_userbyid(held.role) AS role, held.locks, pg_catalog.pg_terminate_backend(held.pid)
  FROM held JOIN hog USING (role) WHERE held.locks > $1`;
const MANY = 100;
const NOBODY_HAS = 2_147_483_647;
/** Prepared once, so that it needs nothing of the catalogs when it counts. */
const END_HOG = { name: 'end_hog', text: END_HOG_SQL };

interface Ended {
  readonly role: string;
  readonly locks: number;
}

/**
 * Keeps one role from taking all locks of a server. PostgreSQL has one table of them for all databases and no limit for
 * anybody (manual, 13.3.5): when a session takes a million advisory locks, nobody can even log in any more.
 */
export class LockWatch {
  private client: Client | null = null;
  private ballast = 0;
  /** Roles, by OID. */
  private administrators: readonly number[] = [];

  /** `config`: for a session of an administrator's in a database without tenants. */
  constructor(private readonly config: ClientConfig) {}

  /** Where more than three quarters of the locks are taken, ends the sessions of whoever has the most. */
  async relieve(): Promise<LockHog | null> {
    const client = await this.connect();
    const { rows } = await client.query<{ held: number; nominal: number }>(LOOK);
    const [look] = rows;
    if (!look || look.held < look.nominal * 0.75) {
      await this.prepare(client);
      return null;
    }
    return summarise(await this.end(client));
  }

  /** What it takes to act in a full table is looked up and planned while there is room. */
  private async prepare(client: Client): Promise<void> {
    await client.query(MEET_EVERYBODY);
    const { rows } = await client.query<{ oid: number }>(FIND_ADMINISTRATORS);
    this.administrators = rows.map(({ oid }) => oid);
    if (this.ballast === BALLAST) return;
    await client.query('SELECT pg_catalog.pg_advisory_unlock_all()');
    await client.query(TAKE_BALLAST, [BALLAST]);
    this.ballast = BALLAST;
    await client.query({ ...END_HOG, values: [NOBODY_HAS, this.administrators] });
  }

  private async end(client: Client): Promise<Ended[]> {
    for (;;) {
      try {
        return (await client.query<Ended>({ ...END_HOG, values: [MANY, this.administrators] })).rows;
      } catch (error) {
        if (sqlState(error) !== SQLSTATE.outOfMemory || this.ballast === 0) throw error;
        await client.query(DROP_PORTION, [this.ballast]);
        this.ballast -= PORTION;
      }
    }
  }

  async close(): Promise<void> {
    const { client } = this;
    this.client = null;
    await client?.end().catch(() => {});
  }

  private async connect(): Promise<Client> {
    if (this.client) return this.client;
    const client = new Client(this.config);
    const forget = () => {
      if (this.client === client) this.client = null;
    };
    client.on('error', forget).on('end', forget);
    try {
      await client.connect();
      this.ballast = 0;
      await this.prepare(client);
      this.client = client;
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  }
}

function summarise(ended: readonly Ended[]): LockHog | null {
  const [first] = ended;
  if (!first) return null;
  const locks = ended.reduce((sum, session) => sum + session.locks, 0);
  return { role: first.role, sessions: ended.length, locks };
}
