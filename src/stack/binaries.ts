import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { searchPath } from '../config/stack-config.js';
import { NEWEST_POSTGRES, OLDEST_POSTGRES } from '../infra/postgres/supported-versions.js';
import { runCommand } from '../infra/process/run-command.js';
import { StackError } from './stack-error.js';

const VERSIONED_PARENTS = ['/usr/lib/postgresql', '/usr', '/opt/homebrew/opt', '/usr/local/opt'];
const PLAIN_PLACES = ['/usr/bin', '/usr/local/bin', '/usr/local/pgsql/bin', '/opt/homebrew/bin'];
const SERVER_PLACES = [...PLAIN_PLACES, '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

export interface PostgresBinaries {
  readonly directory: string;
  readonly major: number;
}

export interface PoolerBinary {
  readonly path: string;
  /** `1.18.0` */
  readonly version: string;
}

/**
 * The PostgreSQL to run: the one in `chosenDir`, else the version that made the cluster (`clusterMajor`), else the
 * newest installed of 15 to 19.
 */
export async function findPostgres(
  chosenDir: string | null,
  clusterMajor: number | null,
): Promise<PostgresBinaries> {
  if (clusterMajor !== null && clusterMajor < OLDEST_POSTGRES) {
    throw new StackError(
      `The data directory was made by PostgreSQL ${clusterMajor}; Rowhouse works with ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES}: upgrade the cluster with pg_upgrade, or choose another ROWHOUSE_DATA_DIR`,
    );
  }
  const installed = chosenDir ? [await inspectChosen(chosenDir)] : await installedVersions();
  const usable = installed.filter(({ major }) => major >= OLDEST_POSTGRES && major <= NEWEST_POSTGRES);
  const found = selectPostgres(usable, clusterMajor);
  if (found) return found;
  if (clusterMajor && installed.length > 0) {
    throw new StackError(
      `The data directory was made by PostgreSQL ${clusterMajor}, which is not installed here: install it, or name its directory in POSTGRES_BIN_DIR`,
    );
  }
  throw new StackError(
    `PostgreSQL ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES} is missing: install it, or name the directory of initdb and postgres in POSTGRES_BIN_DIR`,
  );
}

export function selectPostgres(
  installed: readonly PostgresBinaries[],
  clusterMajor: number | null,
): PostgresBinaries | null {
  const fitting = installed.filter(({ major }) => clusterMajor === null || major === clusterMajor);
  return fitting.toSorted((a, b) => b.major - a.major)[0] ?? null;
}

export async function findPgBouncer(): Promise<PoolerBinary> {
  const path = findProgram(['pgbouncer']);
  if (!path) throw new StackError('PgBouncer is missing: install the package pgbouncer');
  const version = parseVersion(await runCommand([path, '--version']));
  if (!version) throw new StackError(`${path} --version does not tell its version`);
  return { path, version };
}

export function findRedis(): string {
  const path = findProgram(['redis-server', 'valkey-server']);
  if (!path) {
    throw new StackError('Redis is missing: install the package redis-server, or name a server in REDIS_URL');
  }
  return path;
}

export function findCertbot(): string {
  const path = findProgram(['certbot']);
  if (!path) throw new StackError('TLS_MODE=acme: certbot is missing: install the package certbot');
  return path;
}

/** `PgBouncer 1.18.0 …` → `1.18.0`, `postgres (PostgreSQL) 15.13 (Debian …)` → `15.13`. */
export function parseVersion(text: string): string | null {
  return /\s(\d+(?:\.\d+)*)/.exec(text)?.[1] ?? null;
}

async function inspectChosen(directory: string): Promise<PostgresBinaries> {
  const found = await inspect(directory);
  if (found === null) {
    throw new StackError(`POSTGRES_BIN_DIR: ${directory} has no working initdb and postgres`);
  }
  if (found.major < OLDEST_POSTGRES || found.major > NEWEST_POSTGRES) {
    throw new StackError(
      `POSTGRES_BIN_DIR: ${directory} has PostgreSQL ${found.major}; Rowhouse works with ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES}`,
    );
  }
  return found;
}

async function installedVersions(): Promise<PostgresBinaries[]> {
  const versioned = VERSIONED_PARENTS.filter((parent) => existsSync(parent)).flatMap((parent) =>
    readdirSync(parent)
      .filter((name) => /^(postgresql(@\d+)?|pgsql-\d+|\d+)$/.test(name))
      .map((name) => join(parent, name, 'bin')),
  );
  const directories = [...new Set([...versioned, ...searchPath(), ...PLAIN_PLACES])];
  const found = await Promise.all(directories.map(inspect));
  return found.filter((binaries) => binaries !== null);
}

async function inspect(directory: string): Promise<PostgresBinaries | null> {
  const postgres = join(directory, 'postgres');
  if (!existsSync(postgres) || !existsSync(join(directory, 'initdb'))) return null;
  const version = await runCommand([postgres, '--version']).then(parseVersion, () => null);
  return version ? { directory, major: Number.parseInt(version, 10) } : null;
}

function findProgram(names: readonly string[]): string | null {
  const places = [...new Set([...searchPath(), ...SERVER_PLACES])];
  return (
    names.flatMap((name) => places.map((place) => join(place, name))).find((path) => existsSync(path)) ?? null
  );
}
