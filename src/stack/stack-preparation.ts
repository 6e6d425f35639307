import { chooseListenAddresses } from './addresses.js';
import {
  findPgBouncer,
  findPostgres,
  findRedis,
  type PoolerBinary,
  type PostgresBinaries,
} from './binaries.js';
import type { DataDirectory } from './data-directory.js';
import type { LocalStackOptions } from './local-stack-options.js';
import { stopLeftoverPgBouncer } from './pgbouncer-server.js';
import { createCluster, stopLeftoverPostgres } from './postgres-server.js';
import { stopLeftoverRedis } from './redis-server.js';
import { loadSecrets } from './secrets.js';
import type { ServiceAccount } from './service-account.js';
import type { StackContext } from './stack-context.js';
import { type PreparedTls, prepareTls } from './tls/prepare-tls.js';

export interface Programs {
  readonly postgres: PostgresBinaries;
  readonly pgbouncer: PoolerBinary;
  readonly redis: string | null;
}

export interface Preparation {
  readonly programs: Programs;
  readonly base: Omit<StackContext, 'ports'>;
  readonly tls: PreparedTls;
}

/** Everything up to the first start of a server: programs, leftovers of a killed run, secrets, certificates, cluster. */
export async function prepareStack(
  options: LocalStackOptions,
  directory: DataDirectory,
  account: ServiceAccount | null,
): Promise<Preparation> {
  const { publicHost, report } = options;
  const clusterMajor = directory.findClusterMajor();
  const programs = await findPrograms(options, clusterMajor);
  await stopAllLeftovers(directory, report);
  const secrets = loadSecrets(directory.secrets, clusterMajor !== null);
  const tls = await prepareTls({
    tls: options.tls ?? { mode: 'local' },
    directory,
    account,
    publicHost,
    report,
  });
  const addresses = await chooseListenAddresses(publicHost);
  const durable = options.durable ?? true;
  const base = { directory, account, secrets, tls: tls.files, ...addresses, durable, report };
  if (clusterMajor === null) {
    await createCluster(base, programs.postgres);
    report(`PostgreSQL ${programs.postgres.major} cluster created in ${directory.postgres}`);
  }
  return { programs, base, tls };
}

async function findPrograms(options: LocalStackOptions, clusterMajor: number | null): Promise<Programs> {
  const redis = options.withRedis === false ? null : findRedis();
  const pgbouncer = await findPgBouncer();
  return { redis, pgbouncer, postgres: await findPostgres(options.postgresBinDir ?? null, clusterMajor) };
}

async function stopAllLeftovers(directory: DataDirectory, report: (line: string) => void): Promise<void> {
  await stopLeftoverPgBouncer({ directory, report });
  await stopLeftoverRedis({ directory, report });
  await stopLeftoverPostgres({ directory, report });
}
