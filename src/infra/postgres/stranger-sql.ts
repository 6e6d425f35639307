import { quoteIdentifier } from '../../kernel/identifiers.js';

/** Somebody other than its owner who was granted something on a database. */
export interface Grantee {
  readonly database: string;
  /** PUBLIC is the empty name. */
  readonly name: string;
  /** May grant it to others; nobody but the owner needs that. */
  readonly canGrant: boolean;
}

/** Of the databases `$1` (text[]). Superusers need no grant. */
export const FIND_GRANTEES = `
  SELECT d.datname::text AS database, coalesce(r.rolname, '')::text AS name,
         pg_catalog.bool_or(a.is_grantable) AS "canGrant"
  FROM pg_catalog.pg_database d
    CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
    LEFT JOIN pg_catalog.pg_authid r ON r.oid = a.grantee
  WHERE d.datname = ANY ($1::text[]) AND a.grantee <> d.datdba AND r.rolsuper IS NOT TRUE
  GROUP BY 1, 2
  ORDER BY 1, 2`;

/**
 * A superuser revokes what the owner granted (manual, REVOKE). What others granted goes with their option to grant, so
 * that is revoked first, from everybody.
 */
export function revokeGrantees(granting: readonly Grantee[], strangers: readonly Grantee[]): string {
  const options = granting.map((grantee) => `REVOKE GRANT OPTION FOR ${allOn(grantee)} CASCADE`);
  const grants = strangers.map((grantee) => `REVOKE ${allOn(grantee)} CASCADE`);
  return [...options, ...grants].join('; ');
}

/** Ends the sessions in the databases `$1` (text[]) of roles that are not among `$2` (text[]); gives those that live. */
export const END_STRANGERS = `
  SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_authid r ON r.oid = a.usesysid
  WHERE a.datname = ANY ($1::text[]) AND r.rolname <> ALL ($2::text[]) AND NOT r.rolsuper`;

function allOn({ database, name }: Grantee): string {
  return `ALL ON DATABASE ${quoteIdentifier(database)} FROM ${name === '' ? 'PUBLIC' : quoteIdentifier(name)}`;
}
