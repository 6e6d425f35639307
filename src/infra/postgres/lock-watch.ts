import { Client, type ClientConfig } from 'pg';
import { groupBy } from '../../kernel/group-by.js';
import { SEALABLE, type SealableSession, type SessionSeals } from './session-seal.js';
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
const FIND_SUPERUSERS = 'SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper';

/** The functions under pg_locks and pg_stat_activity: the views read shared catalogs. */
const LOOK = `
  SELECT (SELECT count(*)::integer FROM pg_catalog.pg_lock_status() l WHERE NOT l.fastpath) AS held,
         pg_catalog.current_setting('max_locks_per_transaction')::integer
           * (pg_catalog.current_setting('max_connections')::integer
              + pg_catalog.current_setting('max_prepared_transactions')::integer) AS nominal`;

/** Sessions with more than `$1` locks; those of the roles `$2` do not count. */
const FIND_HOLDERS_SQL = `
  SELECT ${SEALABLE}, pg_catalog.pg_get_userbyid(a.usesysid)::text AS role, held.locks
  FROM (SELECT l.pid, count(*)::integer AS locks FROM pg_catalog.pg_lock_status() l WHERE NOT l.fastpath GROUP BY l.pid) held
  JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = held.pid
  WHERE held.locks > $1 AND a.usesysid <> ALL ($2::oid[])`;
const END_SQL = `
  SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.unnest($1::integer[]) AS doomed (pid) JOIN pg_catalog.pg_stat_get_activity(NULL) a USING (pid)`;
/** Of all that there are. The rest lasts until the watch looks again. */
const TOO_MANY = 0.6;
/** Of these, what Rowhouse's own work may have before it counts as anybody's. */
const OWN_SHARE = 0.8;
const MANY = 100;
const NOBODY_HAS = 2_147_483_647;
/** Prepared once, so that they need nothing of the catalogs when it counts. */
const FIND_HOLDERS = { name: 'find_holders', text: FIND_HOLDERS_SQL };
const END = { name: 'end', text: END_SQL };

interface Holder extends SealableSession {
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
  private superusers: readonly number[] = [];

  /** `config`: for a session of an administrator's in a database without tenants. */
  constructor(
    private readonly config: ClientConfig,
    private readonly seals: SessionSeals,
  ) {}

  /** Where too many of the locks are taken, ends the sessions of whoever has the most. */
  async relieve(): Promise<LockHog | null> {
    const client = await this.connect();
    const { rows } = await client.query<{ held: number; nominal: number }>(LOOK);
    const [look] = rows;
    if (!look || look.held < look.nominal * TOO_MANY) {
      await this.prepare(client);
      return null;
    }
    return this.end(client, look.nominal * TOO_MANY);
  }

  /** What it takes to act in a full table is looked up and planned while there is room. */
  private async prepare(client: Client): Promise<void> {
    await client.query(MEET_EVERYBODY);
    const { rows } = await client.query<{ oid: number }>(FIND_SUPERUSERS);
    this.superusers = rows.map(({ oid }) => oid);
    if (this.ballast === BALLAST) return;
    await client.query('SELECT pg_catalog.pg_advisory_unlock_all()');
    await client.query(TAKE_BALLAST, [BALLAST]);
    this.ballast = BALLAST;
    await client.query({ ...FIND_HOLDERS, values: [NOBODY_HAS, this.superusers] });
    await client.query({ ...END, values: [[]] });
  }

  private async end(client: Client, many: number): Promise<LockHog | null> {
    const holders = await this.withRoom(client, { ...FIND_HOLDERS, values: [MANY, this.superusers] });
    const hog = this.findHog(holders as Holder[], many);
    if (hog.length > 0) await this.withRoom(client, { ...END, values: [hog.map(({ pid }) => pid)] });
    return summarise(hog);
  }

  /**
   * The sessions of the role that holds the most. What Rowhouse's own work takes counts only when it is the most of it:
   * code of a tenant's may run in it.
   */
  private findHog(holders: readonly Holder[], many: number): Holder[] {
    const own = holders.filter((holder) => this.seals.bears(holder));
    const others = holders.filter((holder) => !own.includes(holder));
    return greatest(total(own) >= many * OWN_SHARE ? holders : others);
  }

  private async withRoom(client: Client, query: { name: string; text: string; values: unknown[] }) {
    for (;;) {
      try {
        return (await client.query(query)).rows;
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

function greatest(holders: readonly Holder[]): Holder[] {
  const byRole = groupBy(holders, ({ role }) => role);
  return [...byRole.values()].sort((a, b) => total(b) - total(a))[0] ?? [];
}

function total(holders: readonly Holder[]): number {
  return holders.reduce((sum, { locks }) => sum + locks, 0);
}

function summarise(ended: readonly Holder[]): LockHog | null {
  const [first] = ended;
  return first ? { role: first.role, sessions: ended.length, locks: total(ended) } : null;
}
