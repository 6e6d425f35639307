import { type DatabaseName, quoteIdentifier, quoteLiteral, type RoleName } from '../../kernel/identifiers.js';
import { alterRoleSettings, type RoleSettings } from './role-sql.js';

/**
 * Makes a login act as another role from its first statement on, RESET and DISCARD ALL included (PostgreSQL manual,
 * SET ROLE), so that what it makes belongs to that role and row security sees that role.
 */
export function actAs(login: RoleName, role: RoleName, databases: readonly DatabaseName[]): string {
  const settings = databases.map(
    (database) =>
      `ALTER ROLE ${login.sql} IN DATABASE ${database.sql} SET role = ${quoteLiteral(role.value)};`,
  );
  return `GRANT ${role.sql} TO ${login.sql}; ${settings.join(' ')}`;
}

/**
 * After SET ROLE NONE it may do nothing, so that it can never own anything. What it needs to enter it gets itself. Comes
 * before any GRANT of membership: from PostgreSQL 16 on that fixes whether it inherits (manual, GRANT).
 */
export function bindToDatabases(login: RoleName, databases: readonly DatabaseName[]): string {
  const grants = databases.map((database) => `GRANT CONNECT ON DATABASE ${database.sql} TO ${login.sql};`);
  return `ALTER ROLE ${login.sql} NOINHERIT; ${grants.join(' ')}`;
}

/** `path`: what unqualified names mean to it in that database. */
export function setSearchPath(login: RoleName, database: DatabaseName, path: readonly string[]): string {
  const names = path.map(quoteIdentifier).join(', ');
  return `ALTER ROLE ${login.sql} IN DATABASE ${database.sql} SET search_path = ${names}`;
}

export function joinGroup(login: RoleName, group: RoleName): string {
  return `GRANT ${group.sql} TO ${login.sql}`;
}

export interface LoginTerms extends RoleSettings {
  readonly verifier: string;
  /** When PostgreSQL stops admitting it by itself; null is never. */
  readonly expiresAt: Date | null;
}

/** In one message: the login has its limits and its end as soon as it can log in. */
export function admitLogin(login: RoleName, { verifier, expiresAt, ...settings }: LoginTerms): string {
  return `${alterLoginSettings(login, settings, expiresAt)};
    ALTER ROLE ${login.sql} LOGIN PASSWORD ${quoteLiteral(verifier)}`;
}

export function alterLoginSettings(login: RoleName, settings: RoleSettings, expiresAt: Date | null): string {
  const until = expiresAt === null ? 'infinity' : expiresAt.toISOString();
  return `${alterRoleSettings(login, settings)}; ALTER ROLE ${login.sql} VALID UNTIL ${quoteLiteral(until)}`;
}

/** Its password is forgotten too, so that nothing which keeps one can be of use. */
export function refuseLogin(login: RoleName): string {
  return `ALTER ROLE ${login.sql} NOLOGIN PASSWORD NULL`;
}

/** What role `$1` has for a password, on the server's word. */
export const FIND_VERIFIER = `
  SELECT a.rolpassword AS verifier FROM pg_catalog.pg_authid a WHERE a.rolname = $1`;

/** The same of the roles `$1` (text[]). */
export const FIND_VERIFIERS = `
  SELECT a.rolname::text AS username, a.rolpassword AS verifier
  FROM pg_catalog.pg_authid a WHERE a.rolname = ANY ($1::text[])`;

/** Sessions of the logins `$1` (text[]), of PostgreSQL's own port and of the pooler. */
export const LIST_SESSIONS = `
  SELECT a.usename::text AS username, a.pid, a.client_addr::text AS address, a.application_name AS "applicationName",
         a.backend_start AS since
  FROM pg_catalog.pg_stat_activity a
  WHERE a.usename = ANY ($1::text[])
  ORDER BY a.backend_start`;
