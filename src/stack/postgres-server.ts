import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { writeAtomically } from '../infra/files/atomic-file.js';
import { SQLSTATE, sqlState } from '../infra/postgres/sqlstate.js';
import { LogFile } from '../infra/process/log-file.js';
import { CommandError, runCommand } from '../infra/process/run-command.js';
import { type StopStage, SupervisedProcess } from '../infra/process/supervised-process.js';
import { scramVerifier } from '../kernel/scram.js';
import type { PostgresBinaries } from './binaries.js';
import { type DataDirectory, giveTo } from './data-directory.js';
import { stopLeftovers } from './leftovers.js';
import { renderPgHba, renderPostgresConf } from './postgres-config.js';
import { serverEnvironment } from './server-environment.js';
import { asService } from './service-account.js';
import { STACK_NAMES, type StackContext } from './stack-context.js';
import { StackError } from './stack-error.js';

const SETTINGS_FILE = 'rowhouse.conf';
/** Crash recovery of many databases takes its time. */
const START_TIMEOUT_MS = 600_000;
/** SIGINT: fast shutdown; SIGQUIT: immediate, with recovery at the next start (manual, 19.5). */
const STOP_STAGES: readonly StopStage[] = [
  { signal: 'SIGINT', waitMs: 60_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
];
/**
 * To a backend SIGINT is only a cancelled query, and after the death of its postmaster nobody else ends it. A shutdown
 * writes much to disk; cut short, it costs a recovery that writes as much.
 */
const LEFTOVER_STAGES: readonly StopStage[] = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGTERM', waitMs: 50_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
];

/** Makes the cluster. It appears under its name only when it is whole, so a start that was killed begins anew. */
export async function createCluster(
  context: Omit<StackContext, 'ports'>,
  binaries: PostgresBinaries,
): Promise<void> {
  const { directory, account, secrets, durable } = context;
  const building = `${directory.postgres}.new`;
  const passwordFile = `${directory.postgres}.password`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { mode: 0o700 });
  giveTo(building, account);
  const verifier = await scramVerifier(secrets.postgresPassword);
  writeFileSync(passwordFile, `${verifier}\n`, { mode: 0o600 });
  giveTo(passwordFile, account);
  const initdb = asService(account, [
    join(binaries.directory, 'initdb'),
    `--pgdata=${building}`,
    `--username=${STACK_NAMES.superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--data-checksums',
    ...(await localeOptions(binaries.major)),
    ...(durable ? [] : ['--no-sync']),
  ]);
  try {
    await runCommand(initdb, { cwd: building, env: serverEnvironment() });
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    throw new StackError('The PostgreSQL cluster could not be created', outputOf(error), { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  const { superuser, controlUser, poolerAuthUser } = STACK_NAMES;
  const hba = renderPgHba([superuser, controlUser, poolerAuthUser]);
  await writeAtomically(join(building, 'pg_hba.conf'), hba);
  appendFileSync(join(building, 'postgresql.conf'), `\ninclude '${SETTINGS_FILE}'\n`);
  renameSync(building, directory.postgres);
}

export async function postgresProcess(
  context: StackContext,
  binaries: PostgresBinaries,
): Promise<SupervisedProcess> {
  const { directory, account, tls, ports, listenAddresses, durable, report } = context;
  const settings = renderPostgresConf({
    port: ports.DB_PORT,
    listenAddresses,
    socketDirectory: directory.sockets,
    tls,
    memoryBytes: totalmem(),
    durable,
    platform: process.platform,
  });
  await writeAtomically(join(directory.postgres, SETTINGS_FILE), settings);
  return new SupervisedProcess({
    name: 'PostgreSQL',
    command: asService(account, [join(binaries.directory, 'postgres'), '-D', directory.postgres], 'INT'),
    directory: directory.postgres,
    env: serverEnvironment(),
    log: new LogFile(join(directory.logs, 'postgresql.log')),
    prepare: () => stopLeftoverPostgres(context),
    isReady: () => isPostgresReady(context),
    startTimeoutMs: START_TIMEOUT_MS,
    stopStages: STOP_STAGES,
    report,
  });
}

/**
 * Ends an orphaned server, then removes its pid file: PostgreSQL itself cannot tell a stale one apart when the pid is in
 * use again, as it soon is in containers.
 */
export async function stopLeftoverPostgres({
  directory,
  report,
}: Pick<StackContext, 'directory' | 'report'>): Promise<void> {
  await stopLeftovers({
    name: 'PostgreSQL',
    directory: directory.postgres,
    programs: ['postgres'],
    stages: LEFTOVER_STAGES,
    report,
  });
  rmSync(join(directory.postgres, 'postmaster.pid'), { force: true });
}

async function isPostgresReady({ ports, secrets, directory }: StackContext): Promise<boolean> {
  const client = new Client({
    host: directory.sockets,
    port: ports.DB_PORT,
    user: STACK_NAMES.superuser,
    password: secrets.postgresPassword,
    database: 'postgres',
    connectionTimeoutMillis: 2_000,
    application_name: 'rowhouse',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    const refusal = describeRefusal(sqlState(error), directory);
    if (refusal === null) return false;
    throw new StackError(refusal, [], { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Null while it may only be starting. */
function describeRefusal(state: string | undefined, { secrets, postgres }: DataDirectory): string | null {
  const { superuser } = STACK_NAMES;
  if (state === SQLSTATE.invalidPassword) {
    return `PostgreSQL refuses the password of ${superuser} in ${secrets}: restore the file that belongs to this cluster`;
  }
  if (state !== SQLSTATE.invalidAuthorization) return null;
  return `PostgreSQL lets ${superuser} in by no line of ${join(postgres, 'pg_hba.conf')}: put back "local all all scram-sha-256"`;
}

/** From 17 on C.UTF-8 is built in (manual, 23.1.4); before, the operating system may have it, else plain C does. */
async function localeOptions(major: number): Promise<string[]> {
  if (major >= 17) return ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  const known = await runCommand(['locale', '-a']).catch(() => '');
  return [/^C\.utf-?8$/im.test(known) ? '--locale=C.UTF-8' : '--locale=C'];
}

function outputOf(error: unknown): string[] {
  return error instanceof CommandError ? error.output.split('\n').slice(-8) : [String(error)];
}
