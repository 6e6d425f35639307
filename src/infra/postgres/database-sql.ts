import { type DatabaseName, quoteIdentifier, quoteLiteral, type RoleName } from '../../kernel/identifiers.js';

export interface DatabaseRow {
  readonly oid: number;
  readonly name: string;
  readonly ownerOid: number;
  readonly owner: string;
  /** The comment on the owner's role. */
  readonly ownerMark: string | null;
  readonly isTemplate: boolean;
  readonly allowsConnections: boolean;
}

export const FIND_DATABASE = `
  SELECT d.oid, d.datname AS name, d.datdba AS "ownerOid", r.rolname AS owner,
         pg_catalog.shobj_description(r.oid, 'pg_authid') AS "ownerMark",
         d.datistemplate AS "isTemplate", d.datallowconn AS "allowsConnections"
  FROM pg_catalog.pg_database d JOIN pg_catalog.pg_authid r ON r.oid = d.datdba
  WHERE d.datname = $1`;

/** Closed at first: PUBLIC may connect to a new database until that is revoked. */
export function createDatabase(database: DatabaseName, owner: RoleName, template: string): string {
  return `CREATE DATABASE ${database.sql} WITH OWNER ${owner.sql} TEMPLATE ${quoteIdentifier(template)}
    ALLOW_CONNECTIONS false`;
}

export interface DatabaseGrants {
  readonly mark: string;
  /** The pooler's own role, which asks for verifiers inside the database before PgBouncer 1.19; null without a pooler. */
  readonly poolerRole: string | null;
}

/** In one message: the database opens when only its owner and the pooler can enter. */
export function openDatabase(database: DatabaseName, { mark, poolerRole }: DatabaseGrants): string {
  const grants = poolerRole
    ? `GRANT CONNECT ON DATABASE ${database.sql} TO ${quoteIdentifier(poolerRole)};`
    : '';
  return `REVOKE ALL ON DATABASE ${database.sql} FROM PUBLIC;
    ${grants}
    COMMENT ON DATABASE ${database.sql} IS ${quoteLiteral(mark)};
    ALTER DATABASE ${database.sql} ALLOW_CONNECTIONS true IS_TEMPLATE false CONNECTION LIMIT -1`;
}

export function alterOwner(database: DatabaseName, owner: RoleName): string {
  return `ALTER DATABASE ${database.sql} OWNER TO ${owner.sql}`;
}

/** An owner may declare the database a template, which cannot be dropped. */
export function clearTemplateFlag(database: DatabaseName): string {
  return `ALTER DATABASE ${database.sql} IS_TEMPLATE false`;
}

/** Whether somebody else than an administrator owns it. */
export const FIND_TENANTS_DATABASE = `
  SELECT 1 FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
  WHERE d.datname = $1 AND NOT r.rolsuper`;

/** To those who may connect anyway: until its creation is complete, a database has PUBLIC among them. */
export function reopenDatabase(database: string): string {
  const name = quoteIdentifier(database);
  return `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC; ALTER DATABASE ${name} ALLOW_CONNECTIONS true`;
}

/** Ends the sessions in it, whoever's they are. */
export function dropDatabase(database: DatabaseName): string {
  return `DROP DATABASE ${database.sql} WITH (FORCE)`;
}
