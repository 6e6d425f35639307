import { quoteIdentifier, quoteLiteral, type RoleName } from '../../kernel/identifiers.js';

/** What a home's role may do by default, on both ports. Times in milliseconds; 0 is no limit. */
export interface RoleSettings {
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
}

export interface RoleRow {
  readonly oid: number;
  readonly name: string;
  readonly canLogin: boolean;
  readonly connectionLimit: number;
  /** The comment on the role, which only a superuser can change. */
  readonly mark: string | null;
}

const POWERLESS = 'NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';

export const FIND_ROLE = `
  SELECT oid, rolname AS name, rolcanlogin AS "canLogin", rolconnlimit AS "connectionLimit",
         pg_catalog.shobj_description(oid, 'pg_authid') AS mark
  FROM pg_catalog.pg_authid WHERE rolname = $1`;

/** In one message, so that there is no role without its mark. */
export function createRole(role: RoleName, mark: string): string {
  return `CREATE ROLE ${role.sql} NOLOGIN ${POWERLESS};
    COMMENT ON ROLE ${role.sql} IS ${quoteLiteral(mark)}`;
}

export function findRoleOid(role: RoleName): string {
  return `SELECT oid FROM pg_catalog.pg_authid WHERE rolname = ${quoteLiteral(role.value)}`;
}

/**
 * Timeouts go to the role rather than to the database: so they hold in the shadow database and on both ports, and
 * neither the administrator's sessions nor the tenant's own SET is bound by them.
 */
export function alterRoleSettings(role: RoleName, settings: RoleSettings): string {
  return `ALTER ROLE ${role.sql} ${POWERLESS} CONNECTION LIMIT ${integer(settings.maxConnections)};
    ALTER ROLE ${role.sql} SET statement_timeout = ${integer(settings.statementTimeoutMs)};
    ALTER ROLE ${role.sql} SET lock_timeout = ${integer(settings.lockTimeoutMs)};
    ALTER ROLE ${role.sql} SET idle_in_transaction_session_timeout = ${integer(settings.idleInTransactionTimeoutMs)}`;
}

/** In one message: the role has its limits as soon as it can log in. */
export function enableLogin(role: RoleName, verifier: string, settings: RoleSettings): string {
  return `${alterRoleSettings(role, settings)};
    ALTER ROLE ${role.sql} LOGIN VALID UNTIL 'infinity' PASSWORD ${quoteLiteral(verifier)}`;
}

/** Password, limits and timeouts of a role that may not log in yet. */
export function prepareRole(role: RoleName, verifier: string, settings: RoleSettings): string {
  return `${alterRoleSettings(role, settings)}; ${alterPassword(role, verifier)}`;
}

/** For a role that has password and timeouts already; to check a new password takes PostgreSQL milliseconds. */
export function openRole(role: RoleName, { maxConnections }: RoleSettings): string {
  return `ALTER ROLE ${role.sql} LOGIN CONNECTION LIMIT ${integer(maxConnections)} VALID UNTIL 'infinity'`;
}

/** For a role that has its timeouts already. One statement, since this is what a creation from the stock waits for. */
export function admitRole(role: RoleName, verifier: string, settings: RoleSettings): string {
  return `${openRole(role, settings)} PASSWORD ${quoteLiteral(verifier)}`;
}

export function disableLogin(role: RoleName): string {
  return `ALTER ROLE ${role.sql} NOLOGIN`;
}

/** `verifier`: a SCRAM-SHA-256 verifier, so that no password reaches the server's log. */
export function alterPassword(role: RoleName, verifier: string): string {
  return `ALTER ROLE ${role.sql} PASSWORD ${quoteLiteral(verifier)}`;
}

export function dropRole(role: RoleName): string {
  return `DROP ROLE ${role.sql}`;
}

/** The databases in which role `$1` owns or may use something, with their owners. */
export const FIND_ENTANGLEMENTS = `
  SELECT DISTINCT b.datname AS database, pg_catalog.pg_get_userbyid(b.datdba) AS owner
  FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_database b ON b.oid = d.dbid
  WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = $1::oid`;

/** Gives what the role owns to another, and takes back what it was granted, in the current database and on databases. */
export function disentangleRole(role: RoleName, heir: string): string {
  return `REASSIGN OWNED BY ${role.sql} TO ${quoteIdentifier(heir)}; DROP OWNED BY ${role.sql}`;
}

/** Takes back what the role was granted on databases. */
export function dropOwned(role: RoleName): string {
  return `DROP OWNED BY ${role.sql}`;
}

/** Ends the sessions of role `$1` that began before `$2` (null: all of them); gives the process ids that still live. */
export const END_SESSIONS = `
  SELECT pid, pg_catalog.pg_terminate_backend(pid)
  FROM pg_catalog.pg_stat_activity
  WHERE usesysid = $1::oid AND backend_start < COALESCE($2::timestamptz, 'infinity')`;

function integer(value: number): number {
  if (!Number.isInteger(value)) throw new TypeError('the setting must be an integer');
  return value;
}
