/** One line of PgBouncer's `[databases]`. */
export interface PoolerAlias {
  /** What clients ask for. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The database behind it. */
  readonly database: string;
  /** Server connections for each user of the alias. */
  readonly poolSize: number;
  /** Server connections of all its users together; left out, there is no such limit. */
  readonly maxConnections?: number;
  /**
   * Who looks up the verifiers of its users. Set here, since with a global `auth_user` PgBouncer 1.18 keeps whoever asks
   * for its console under an unknown name waiting for ever.
   */
  readonly authUser: string;
}

const HEADER = '; Written by Rowhouse. Changes are overwritten.\n';

/**
 * Renders the file that `pgbouncer.ini` includes under `[databases]`, in the order of the names, so that the same
 * aliases always give the same text. PgBouncer keeps serving what it had, silently, when a line is wrong.
 */
export function renderDatabasesIni(aliases: readonly PoolerAlias[]): string {
  const lines = [...aliases].sort((a, b) => (a.name < b.name ? -1 : 1)).map(renderAlias);
  return [HEADER, ...lines].join('');
}

function renderAlias(alias: PoolerAlias): string {
  const { name, host, port, database, poolSize, maxConnections, authUser } = alias;
  if (!Number.isInteger(poolSize) || poolSize < 1) throw new TypeError('a pool has at least one connection');
  const target = `host=${quoteValue(host)} port=${port} dbname=${quoteValue(database)}`;
  const limit = maxConnections === undefined ? '' : ` max_db_connections=${maxConnections}`;
  return `${plainName(name)} = ${target} pool_size=${poolSize}${limit} auth_user=${quoteValue(authUser)}\n`;
}

/** A value of a connection string as PgBouncer reads it. Throws TypeError. */
export function quoteValue(value: string): string {
  if (/[\0\r\n]/.test(value)) throw new TypeError('a value may not contain NUL or line breaks');
  return /^[\w./:-]+$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

/** Such a name needs no quotes, which the ways to read the file back would have to know. */
function plainName(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name))
    throw new TypeError('an alias has lower-case letters, digits and underscores');
  return name;
}
