import { createHash } from 'node:crypto';
import { POOLER_SCHEMA } from '../infra/pgbouncer/auth-query.js';
import { quoteIdentifier, quoteLiteral } from '../kernel/identifiers.js';
import { BLANK_DATABASE, MARK_PREFIX } from './marks.js';
import { NARROW_ROLE_VIEWS } from './role-visibility-sql.js';

export const NEXT_BLANK_DATABASE = `${BLANK_DATABASE}_next`;
const FORMER_BLANK_DATABASE = `${BLANK_DATABASE}_former`;

export const FIND_POOLER_ROLE = `
  SELECT rolpassword AS verifier, rolcanlogin AND rolvaliduntil IS NULL AS usable
  FROM pg_catalog.pg_authid WHERE rolname = $1`;

export const FIND_BLANK_STAMP = `
  SELECT pg_catalog.shobj_description(oid, 'pg_database') AS stamp FROM pg_catalog.pg_database
  WHERE datname = '${BLANK_DATABASE}' AND NOT datallowconn AND datistemplate`;

export const FIND_FACTS = `
  SELECT pg_catalog.current_setting('server_version_num')::integer AS "serverVersionNum",
         pg_catalog.current_setting('max_connections')::integer AS "maxConnections",
         pg_catalog.current_setting('superuser_reserved_connections')::integer
           + COALESCE(pg_catalog.current_setting('reserved_connections', true)::integer, 0) AS "reservedConnections"`;

export function createPoolerRole(role: string, verifier: string): string {
  return `CREATE ROLE ${quoteIdentifier(role)} LOGIN PASSWORD ${quoteLiteral(verifier)};
    COMMENT ON ROLE ${quoteIdentifier(role)} IS 'Rowhouse: PgBouncer looks up verifiers as this role'`;
}

export function repairPoolerRole(role: string, verifier: string): string {
  return `ALTER ROLE ${quoteIdentifier(role)} LOGIN VALID UNTIL 'infinity' PASSWORD ${quoteLiteral(verifier)}`;
}

/** Keeps everybody out who is not named. A superuser enters anyway. */
export function closeDatabase(database: string, admitted: readonly string[]): string {
  const name = quoteIdentifier(database);
  const grants = admitted.map((role) => `GRANT CONNECT ON DATABASE ${name} TO ${quoteIdentifier(role)};`);
  return `REVOKE CONNECT, TEMPORARY ON DATABASE ${name} FROM PUBLIC; ${grants.join(' ')}`;
}

/**
 * The function by which the pooler gets a user's verifier. It knows only what carries Rowhouse's mark, which no tenant
 * can set, so neither superusers nor the roles of others on the server can come in through the pooler.
 * `RETURNS TABLE` gives no row for an unknown user; one row of NULLs would end the pooler's connection.
 */
export function createPoolerLookup(poolerRole: string): string {
  const role = quoteIdentifier(poolerRole);
  return `
    SET LOCAL allow_system_table_mods = on;
    CREATE SCHEMA IF NOT EXISTS ${POOLER_SCHEMA};
    REVOKE ALL ON SCHEMA ${POOLER_SCHEMA} FROM PUBLIC;
    GRANT USAGE ON SCHEMA ${POOLER_SCHEMA} TO ${role};
    DROP FUNCTION IF EXISTS ${POOLER_SCHEMA}.user_lookup(text);
    CREATE FUNCTION ${POOLER_SCHEMA}.user_lookup(wanted text) RETURNS TABLE (username text, verifier text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
      SELECT a.rolname::text, a.rolpassword
      FROM pg_catalog.pg_authid a
      WHERE a.rolname = wanted
        AND pg_catalog.shobj_description(a.oid, 'pg_authid') LIKE '${MARK_PREFIX}%'
        AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication
        AND NOT a.rolcreaterole AND NOT a.rolcreatedb AND NOT a.rolbypassrls
        AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > pg_catalog.now())
    $lookup$;
    REVOKE ALL ON FUNCTION ${POOLER_SCHEMA}.user_lookup(text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION ${POOLER_SCHEMA}.user_lookup(text) TO ${role};`;
}

/** What is inside the blank database; every home begins as its copy. */
export function fillBlank(poolerRole: string | null): string {
  return [poolerRole ? createPoolerLookup(poolerRole) : '', NARROW_ROLE_VIEWS].join('\n');
}

/** A blank database with another stamp is made anew, and what was copied from it before is not handed out any more. */
export function blankStamp(filling: string): string {
  return `Rowhouse: every home begins as a copy of this (${createHash('sha256').update(filling).digest('hex').slice(0, 16)})`;
}

export const CREATE_NEXT_BLANK = `CREATE DATABASE ${NEXT_BLANK_DATABASE} TEMPLATE template0 ENCODING 'UTF8'`;
export const CLOSE_NEXT_BLANK = `REVOKE ALL ON DATABASE ${NEXT_BLANK_DATABASE} FROM PUBLIC`;
export const DROP_NEXT_BLANK = `DROP DATABASE IF EXISTS ${NEXT_BLANK_DATABASE} WITH (FORCE)`;
export const DROP_FORMER_BLANK = `DROP DATABASE IF EXISTS ${FORMER_BLANK_DATABASE} WITH (FORCE)`;

/** Nobody can connect to the blank database, because a session there would keep CREATE DATABASE from copying it. */
export function swapBlank(stamp: string, hasFormer: boolean): string {
  const putAside = `
    ALTER DATABASE ${BLANK_DATABASE} IS_TEMPLATE false;
    ALTER DATABASE ${BLANK_DATABASE} RENAME TO ${FORMER_BLANK_DATABASE};`;
  return `${hasFormer ? putAside : ''}
    ALTER DATABASE ${NEXT_BLANK_DATABASE} ALLOW_CONNECTIONS false IS_TEMPLATE true;
    ALTER DATABASE ${NEXT_BLANK_DATABASE} RENAME TO ${BLANK_DATABASE};
    COMMENT ON DATABASE ${BLANK_DATABASE} IS ${quoteLiteral(stamp)};`;
}
