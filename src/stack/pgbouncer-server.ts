import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../infra/files/atomic-file.js';
import { renderFirstHba } from '../infra/pgbouncer/hba.js';
import { LogFile } from '../infra/process/log-file.js';
import { canConnect } from '../infra/process/ports.js';
import { type StopStage, SupervisedProcess } from '../infra/process/supervised-process.js';
import type { PoolerBinary } from './binaries.js';
import { stopLeftovers } from './leftovers.js';
import { renderPgBouncerIni, renderUserList } from './pgbouncer-config.js';
import { fileLimit, serverEnvironment, withFileLimit } from './server-environment.js';
import { asService } from './service-account.js';
import { STACK_NAMES, type StackContext } from './stack-context.js';

const CONTROL_POOL_SIZE = 30;
/** SIGINT waits for transactions under way; SIGTERM is at once before 1.23, and at once as a second signal later. */
const STOP_STAGES: readonly StopStage[] = [
  { signal: 'SIGINT', waitMs: 5_000 },
  { signal: 'SIGTERM', waitMs: 1_000 },
];

export async function pgBouncerProcess(
  context: StackContext,
  binary: PoolerBinary,
): Promise<SupervisedProcess> {
  const { directory, account, ports, report } = context;
  const limit = await fileLimit();
  await writeFiles(context, binary, limit);
  const command = asService(account, [binary.path, join(directory.pgbouncer, 'pgbouncer.ini')]);
  return new SupervisedProcess({
    name: 'PgBouncer',
    command: withFileLimit(limit, command),
    directory: directory.pgbouncer,
    env: serverEnvironment(),
    log: new LogFile(join(directory.logs, 'pgbouncer.log')),
    prepare: () => stopLeftoverPgBouncer(context),
    isReady: () => canConnect(ports.DB_PGBOUNCER_PORT),
    startTimeoutMs: 15_000,
    stopStages: STOP_STAGES,
    report,
  });
}

export function stopLeftoverPgBouncer({
  directory,
  report,
}: Pick<StackContext, 'directory' | 'report'>): Promise<void> {
  return stopLeftovers({
    name: 'PgBouncer',
    directory: directory.pgbouncer,
    programs: ['pgbouncer'],
    stages: STOP_STAGES,
    report,
  });
}

async function writeFiles(context: StackContext, binary: PoolerBinary, limit: number): Promise<void> {
  const { directory, ports, listenAddresses, secrets, tls } = context;
  const { controlDatabase, controlUser, poolerAdminUser, poolerAuthUser } = STACK_NAMES;
  const write = (file: string, text: string) => writeAtomically(join(directory.pgbouncer, file), text);
  const ini = renderPgBouncerIni({
    version: binary.version,
    port: ports.DB_PGBOUNCER_PORT,
    listenAddresses,
    socketDirectory: directory.sockets,
    postgresPort: ports.DB_PORT,
    directory: directory.pgbouncer,
    tls,
    controlDatabase,
    controlPoolSize: CONTROL_POOL_SIZE,
    adminUser: poolerAdminUser,
    authUser: poolerAuthUser,
    fileLimit: limit,
  });
  const users = renderUserList({
    [controlUser]: secrets.controlPassword,
    [poolerAdminUser]: secrets.poolerAdminPassword,
    [poolerAuthUser]: secrets.poolerAuthPassword,
  });
  await write('pgbouncer.ini', ini);
  await write('userlist.txt', users);
  if (!existsSync(join(directory.pgbouncer, 'databases.ini'))) await write('databases.ini', '');
  if (!existsSync(join(directory.pgbouncer, 'hba.conf'))) {
    const admitted = { controlDatabase, controlUser, adminUser: poolerAdminUser };
    await write('hba.conf', renderFirstHba({ ...admitted, ownAccess: 'none' }));
  }
}
