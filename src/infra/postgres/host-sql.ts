import { type DatabaseName, quoteIdentifier, quoteLiteral, type RoleName } from '../../kernel/identifiers.js';

/** The roles around a hosting database. */
export interface HostRoleNames {
  readonly provisioner: RoleName;
  readonly worker: RoleName;
  readonly app: RoleName;
  readonly readonly: RoleName;
  readonly tenants: RoleName;
  readonly readers: RoleName;
}

export const FIND_ROLES = `
  SELECT oid, rolname AS name, rolcanlogin AS "canLogin",
         pg_catalog.shobj_description(oid, 'pg_authid') AS mark
  FROM pg_catalog.pg_authid WHERE rolname = ANY ($1)`;

/**
 * Nobody logs in as one of the roles in which Rowhouse works, but Rowhouse for a moment. Once owners of databases could set
 * the provisioner's password: who came in with it is ended.
 */
export const CLOSE_HOST_ROLES = `
  DO $rowhouse$
  DECLARE role record;
  BEGIN
    FOR role IN
      SELECT r.oid, r.rolname FROM pg_catalog.pg_authid r
      WHERE r.rolname ~ '^(tenant_[0-9a-f]{8}|rowhouse_[a-z_]+)_(provisioner|worker)$'
        AND (r.rolcanlogin OR r.rolpassword IS NOT NULL)
        AND pg_catalog.shobj_description(r.oid, 'pg_authid') ~ '^rowhouse( worker)?:'
    LOOP
      EXECUTE pg_catalog.format('ALTER ROLE %I NOLOGIN PASSWORD NULL', role.rolname);
      PERFORM pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
      WHERE a.usesysid = role.oid AND role.rolname ~ '_provisioner$';
    END LOOP;
  END
  $rowhouse$`;

export const FIND_SCHEMA = `
  SELECT n.oid, n.nspname AS name, pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
         n.nspowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS "isOwn"
  FROM pg_catalog.pg_namespace n WHERE n.nspname = $1`;

export const FIND_SCHEMA_BY_OID = `
  SELECT n.oid, n.nspname AS name, pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
         n.nspowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS "isOwn"
  FROM pg_catalog.pg_namespace n WHERE n.oid = $1::oid`;

export interface SchemaRow extends Record<string, unknown> {
  readonly oid: number;
  readonly name: string;
  readonly owner: string;
  /** Whether it belongs to whoever asks. */
  readonly isOwn: boolean;
}

/** In one message. `owner`: the database's owner, who thereby owns all tenants' tables; null where there is none. */
export function grantHost(database: DatabaseName, roles: HostRoleNames, owner: RoleName | null): string {
  const { provisioner, app, readonly } = roles;
  return `
    GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${database.sql} TO ${provisioner.sql};
    ${admitTenants(database, roles)};
    ALTER ROLE ${app.sql} NOINHERIT;
    ALTER ROLE ${readonly.sql} SET default_transaction_read_only = on;
    ${owner ? `GRANT ${provisioner.sql} TO ${owner.sql};` : ''}`;
}

/**
 * The role that Rowhouse logs in as. Without inheritance it may do nothing but become the provisioner, so that whatever
 * leads a session back to it makes nothing that belongs to it. On PostgreSQL 16 the attribute counts when it is made a
 * member (manual, GRANT), so it comes first.
 */
export function setUpWorker(
  database: DatabaseName,
  { provisioner, worker }: HostRoleNames,
  connectionLimit: number,
): string {
  return `ALTER ROLE ${worker.sql} NOINHERIT CONNECTION LIMIT ${connectionLimit};
    GRANT CONNECT ON DATABASE ${database.sql} TO ${worker.sql};
    GRANT ${provisioner.sql} TO ${worker.sql}`;
}

/** These two need not outlive a crash: the next start shuts all. */
export function admitWorker({ worker }: HostRoleNames, verifier: string): string {
  return `SET LOCAL synchronous_commit = off;
    ALTER ROLE ${worker.sql} LOGIN VALID UNTIL 'infinity' PASSWORD ${quoteLiteral(verifier)}`;
}

export function refuseWorker({ worker }: HostRoleNames): string {
  return `SET LOCAL synchronous_commit = off; ALTER ROLE ${worker.sql} NOLOGIN PASSWORD NULL`;
}

/**
 * Large objects stand beside all schemas: those of a tenant would outlive it, and others would see that they are there
 * (PostgreSQL manual, chapter 35). `owner`: who may make some all the same.
 */
export function closeLargeObjects(owner: RoleName | null): string {
  const functions =
    'pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)';
  const grant = owner ? `GRANT EXECUTE ON FUNCTION ${functions} TO ${owner.sql}` : '';
  return `REVOKE EXECUTE ON FUNCTION ${functions} FROM PUBLIC; ${grant}`;
}

/** What lets everybody in who lives in the database; without it their logins fail. */
export function admitTenants(
  database: DatabaseName,
  { app, readonly, tenants, readers }: HostRoleNames,
): string {
  return `GRANT CONNECT ON DATABASE ${database.sql} TO ${app.sql}, ${readonly.sql}, ${readers.sql};
    GRANT CONNECT, TEMPORARY ON DATABASE ${database.sql} TO ${tenants.sql}`;
}

export function refuseTenants(
  database: DatabaseName,
  { app, readonly, tenants, readers }: HostRoleNames,
): string {
  const everybody = [app, readonly, tenants, readers].map((role) => role.sql).join(', ');
  return `REVOKE CONNECT ON DATABASE ${database.sql} FROM ${everybody}`;
}

/** Ends the sessions in database `$1` but those of Rowhouse's own: role `$2`, and superusers. */
export const END_HOSTED_SESSIONS = `
  SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_authid r ON r.oid = a.usesysid
  WHERE a.datname = $1 AND r.rolname <> $2 AND NOT r.rolsuper`;

/** Where the tables of a tenant with a database of its own are. */
export function grantPublicSchema({ provisioner }: HostRoleNames): string {
  return `GRANT USAGE, CREATE ON SCHEMA public TO ${provisioner.sql}`;
}

export function setPassword(role: RoleName, verifier: string): string {
  return `ALTER ROLE ${role.sql} LOGIN VALID UNTIL 'infinity' PASSWORD ${quoteLiteral(verifier)}`;
}

/** What makes a role a tenant of the host: it may connect, and read what all may read of `shared`. */
export function joinTenants(tenant: RoleName, { tenants }: HostRoleNames): string {
  return `GRANT ${tenants.sql} TO ${tenant.sql}`;
}

/**
 * Binds a tenant's login to its schema: what its names mean. `public` comes last, for the extensions that stand there
 * (PostgreSQL manual, 5.9.3 and ALTER ROLE).
 */
export function bindTenant(tenant: RoleName, database: DatabaseName): string {
  return `ALTER ROLE ${tenant.sql} IN DATABASE ${database.sql} SET search_path = ${tenant.sql}, shared, public`;
}

/** The same names as in a tenant schema mean the same in a tenant's own database. */
export function bindOwner(owner: RoleName, database: DatabaseName): string {
  return `ALTER ROLE ${owner.sql} IN DATABASE ${database.sql} SET search_path = public, shared`;
}

/** From then on the host's `_app` role may become the tenant. */
export function admitApp(tenant: RoleName, { app }: HostRoleNames): string {
  return `GRANT ${tenant.sql} TO ${app.sql}`;
}

export function refuseApp(tenant: RoleName, { app }: HostRoleNames): string {
  return `REVOKE ${tenant.sql} FROM ${app.sql}`;
}

/** Ends the sessions of role `$2` in database `$3` that run a message which begins with `$1`. */
export const END_MESSAGES = `
  SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a
  WHERE a.usename = $2 AND a.datname = $3 AND a.state = 'active' AND pg_catalog.starts_with(a.query, $1)`;

/** The relations of a schema that a drop can take one by one, so that it never needs a lock for each of thousands at once. */
export const FIND_DROPPABLE = `
  SELECT c.relname AS name
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = $1::oid AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
  ORDER BY c.oid DESC`;

export function dropTables(schema: string, tables: readonly string[]): string {
  const names = tables.map((table) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`);
  return `DROP TABLE IF EXISTS ${names.join(', ')} CASCADE`;
}

export function dropSchema(schema: string): string {
  return `DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)} CASCADE`;
}
