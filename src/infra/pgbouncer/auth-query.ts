/**
 * The schema of the pooler's lookup function. Names with the prefix `pg_` are left out of every dump and of `\dn`, so
 * a tenant's own `pg_dump` of a copy of the blank database carries nothing of Rowhouse's.
 */
export const POOLER_SCHEMA = 'pg_rowhouse';

/** pgbouncer.ini: `auth_query`. The lookup function returns only the roles that Rowhouse made for homes. */
export const AUTH_QUERY = `SELECT username, verifier FROM ${POOLER_SCHEMA}.user_lookup($1)`;

/**
 * The alias for pgbouncer.ini's `auth_dbname`, from 1.19, and the database behind it. Older versions run the query in
 * the database that the client asked for. Under an alias of its own, no client reaches `postgres` by its name.
 */
export const LOOKUP_ALIAS = 'rowhouse_lookup';
export const LOOKUP_DATABASE = 'postgres';

/**
 * The role by which Rowhouse proves that logins work, and its name on the pooled port. It goes the way of every tenant's
 * login, into a database in which it may do nothing.
 */
export const LOGIN_PROBE = 'rowhouse_probe';
