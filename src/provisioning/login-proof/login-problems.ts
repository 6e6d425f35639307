import { AUTH_QUERY } from '../../infra/pgbouncer/auth-query.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { isWithoutTls } from '../../infra/postgres/tls-login.js';
import { RowhouseError } from '../../kernel/errors.js';

/*
 * What keeps clients from logging in, and what to set. Everybody may read this in the readiness report, so it names
 * settings and no hosts, ports, paths or messages.
 */

export function describeDirectProblem(error: unknown): string {
  if (isWithoutTls(error)) {
    return `PostgreSQL offers no TLS, ${STRINGS_NEED_TLS}: set ssl = on, ssl_cert_file and ssl_key_file in postgresql.conf`;
  }
  const state = sqlState(error);
  if (state === SQLSTATE.invalidAuthorization) {
    return 'pg_hba.conf lets no client of Rowhouse in: it needs a line such as "hostssl all all <network> scram-sha-256" that also covers the address of Rowhouse';
  }
  if (state === SQLSTATE.invalidPassword) {
    return 'PostgreSQL refuses a password that it was given a moment ago: the line of pg_hba.conf that matches clients needs the method scram-sha-256';
  }
  return `no client can log in to PostgreSQL: ${kindOf(error)}`;
}

/** By its name in pgbouncer.ini; null when PgBouncer's console did not tell. */
export type PoolerSettings = ReadonlyMap<string, string> | null;

export function describePooledProblem(error: unknown, settings: PoolerSettings): string {
  if (isWithoutTls(error)) {
    return `PgBouncer offers no TLS, ${STRINGS_NEED_TLS}: set client_tls_sslmode = allow, client_tls_cert_file and client_tls_key_file in pgbouncer.ini`;
  }
  return describeMissingLookup(settings) ?? describeRefusal(error);
}

/** Logins may work nevertheless, and then from everywhere. */
export function describeMissingRules(settings: PoolerSettings): string | null {
  if (settings === null) return null;
  if (settings.get('auth_type') === 'hba' && settings.get('auth_hba_file')) return null;
  return 'PgBouncer does not go by the rules that Rowhouse writes, so whitelists do not hold there: set auth_type = hba, and auth_hba_file to the hba.conf in PGBOUNCER_CONFIG_DIR';
}

const STRINGS_NEED_TLS = 'and connection strings say sslmode=require, so no client can use them';

function describeMissingLookup(settings: PoolerSettings): string | null {
  if (settings === null || settings.get('auth_query')?.includes('pg_rowhouse.user_lookup')) return null;
  return `PgBouncer cannot look up the passwords of databases and tenants: set auth_query = ${AUTH_QUERY}`;
}

/** PgBouncer gives all its refusals one SQLSTATE, so there is only their text to tell them by. */
const REFUSALS: readonly (readonly [words: RegExp, problem: string])[] = [
  [
    /login rejected/,
    'PgBouncer lets no client in: auth_hba_file must be the hba.conf in PGBOUNCER_CONFIG_DIR, and PgBouncer must be able to read it',
  ],
  [
    /no such database|does not exist/,
    'PgBouncer does not serve the databases of Rowhouse: under [databases], %include the databases.ini in PGBOUNCER_CONFIG_DIR',
  ],
  [
    /bouncer config error|no such user|server login has been failing|query_wait_timeout|auth/i,
    'PgBouncer cannot log in to PostgreSQL, for the look-up of passwords or for the client: auth_file needs PGBOUNCER_AUTH_USER with its password in plain text, and pg_hba.conf a line for the address of PgBouncer; the log of PgBouncer says which',
  ],
];

function describeRefusal(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const [, problem] = REFUSALS.find(([words]) => words.test(message)) ?? [];
  return problem ?? `no client can log in through PgBouncer: ${kindOf(error)}`;
}

function kindOf(error: unknown): string {
  if (error instanceof RowhouseError && error.code === 'OWNERSHIP_MISMATCH') return error.message;
  const state = sqlState(error);
  if (state) return `SQLSTATE ${state}`;
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'nothing listens on its port: start it';
  return typeof code === 'string' && /^[A-Z_]+$/.test(code) ? code : 'no answer';
}
