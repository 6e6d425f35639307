import { LOGIN_PROBE, LOOKUP_DATABASE } from '../../infra/pgbouncer/auth-query.js';
import type { PostgresAdmin } from '../../infra/postgres/postgres-admin.js';
import { quoteLiteral } from '../../kernel/identifiers.js';
import { generatePassword } from '../../kernel/ids.js';
import { scramVerifier } from '../../kernel/scram.js';
import { MARK_PREFIX, ownershipMismatch } from '../marks.js';

/** The pooler looks up roles with Rowhouse's mark only. It names no installation: all that share a server share it. */
const MARK = `${MARK_PREFIX}probe`;

/** One proof at a time on a server, since each gives the role another password. */
const LOCK_KEY = 7_264_036;
const LOCK_WAIT = '30s';

const FIND_ROLE = `
  SELECT pg_catalog.shobj_description(oid, 'pg_authid') IS NOT DISTINCT FROM '${MARK}' AS "isOwn",
         pg_catalog.has_database_privilege(oid, '${LOOKUP_DATABASE}', 'CONNECT') AS "mayConnect"
  FROM pg_catalog.pg_authid WHERE rolname = '${LOGIN_PROBE}'`;

const CREATE_ROLE = `
  CREATE ROLE ${LOGIN_PROBE} LOGIN NOINHERIT;
  COMMENT ON ROLE ${LOGIN_PROBE} IS '${MARK}';`;

const ADMIT_ROLE = `GRANT CONNECT ON DATABASE ${LOOKUP_DATABASE} TO ${LOGIN_PROBE};`;

/**
 * Runs `work` with a password that the probe's role has just been given and that PostgreSQL forgets by itself. Throws
 * OWNERSHIP_MISMATCH for a role of that name that is not Rowhouse's.
 */
export function withProbeRole<T>(
  postgres: PostgresAdmin,
  work: (password: string) => Promise<T>,
): Promise<T> {
  return postgres.transaction(async (lock) => {
    await lock.query(`SET LOCAL lock_timeout = '${LOCK_WAIT}'`);
    await lock.query(`SELECT pg_catalog.pg_advisory_xact_lock(${LOCK_KEY})`);
    const password = generatePassword();
    await renewRole(postgres, password);
    return work(password);
  });
}

async function renewRole(postgres: PostgresAdmin, password: string): Promise<void> {
  const found = await postgres.find<{ isOwn: boolean; mayConnect: boolean }>(FIND_ROLE);
  if (found && !found.isOwn) throw ownershipMismatch('role', LOGIN_PROBE);
  const verifier = quoteLiteral(await scramVerifier(password));
  const until = `pg_catalog.format('ALTER ROLE ${LOGIN_PROBE} LOGIN VALID UNTIL %L', pg_catalog.now() + '2 minutes')`;
  await postgres.execute(`
    SET LOCAL synchronous_commit = off;
    ${found ? '' : CREATE_ROLE}
    ${found?.mayConnect ? '' : ADMIT_ROLE}
    ALTER ROLE ${LOGIN_PROBE} PASSWORD ${verifier};
    DO $rowhouse$ BEGIN EXECUTE ${until}; END $rowhouse$`);
}
