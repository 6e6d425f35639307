import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ClientBase, QueryResult } from 'pg';
import type { Config } from '../../config/config.js';

/** A session on the server, as `pg_stat_activity` shows it. */
export interface SealableSession {
  readonly pid: number;
  /** Microseconds since 1970, as decimal text. Together with the process id it never comes again. */
  readonly startedAt: string;
  readonly applicationName: string;
}

/** The columns of a `SealableSession`, of `pg_stat_activity a`. */
export const SEALABLE = `a.pid, (extract(epoch FROM a.backend_start) * 1000000)::bigint::text AS "startedAt",
  a.application_name AS "applicationName"`;

/** A session shows its start to the role that logged in, which need not be the one that it acts as. */
const FIND_OWN = `
  SET ROLE NONE;
  SELECT ${SEALABLE} FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a;
  RESET ROLE`;

const names = new WeakMap<ClientBase, string>();

/**
 * Tells the sessions that Rowhouse opened from others of the same role: their application name is a keyed digest of
 * their own process id and start. Others can read it, but it proves nothing in any other session.
 */
export class SessionSeals {
  private constructor(private readonly keys: readonly Buffer[]) {}

  /** Every process of an installation has the same. One with a former ENCRYPTION_KEY is believed while that is known. */
  static of({ encryptionKey, formerEncryptionKeys, server }: Config): SessionSeals {
    const secret = encryptionKey ?? createHash('sha256').update(server.adminPassword).digest();
    return new SessionSeals(
      [secret, ...formerEncryptionKeys].map((key) =>
        createHmac('sha256', key).update('rowhouse session seal').digest(),
      ),
    );
  }

  /** Seals a session that nobody else's code has run in yet. */
  async seal(client: ClientBase): Promise<void> {
    const results = (await client.query(FIND_OWN)) as unknown as QueryResult<SealableSession>[];
    const session = results[1]?.rows[0];
    const [key] = this.keys;
    if (!session || !key) throw new Error('the session does not find itself');
    names.set(client, sealOf(key, session));
    await client.query(sealAgain(client));
  }

  bears(session: SealableSession): boolean {
    const found = Buffer.from(session.applicationName);
    return this.keys.some((key) => {
      const expected = Buffer.from(sealOf(key, session));
      return found.length === expected.length && timingSafeEqual(found, expected);
    });
  }
}

/** For a message that has reset all settings: gives the session its seal back. Nothing for a session without one. */
export function sealAgain(client: ClientBase): string {
  const name = names.get(client);
  return name === undefined ? '' : `SET application_name = '${name}'`;
}

function sealOf(key: Buffer, { pid, startedAt }: SealableSession): string {
  const digest = createHmac('sha256', key).update(`${pid} ${startedAt}`).digest('hex');
  return `rowhouse ${digest.slice(0, 32)}`;
}
