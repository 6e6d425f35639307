import { loadConfig } from '../config/load-config.js';
import { ensureControlDatabase } from '../infra/control-db/control-database.js';
import type { SupervisedProcess } from '../infra/process/supervised-process.js';
import { pgBouncerProcess } from './pgbouncer-server.js';
import { postgresProcess } from './postgres-server.js';
import { redisProcess } from './redis-server.js';
import type { StackContext } from './stack-context.js';
import { stackEnv } from './stack-env.js';
import type { Programs } from './stack-preparation.js';

export interface StackServers {
  readonly postgres: SupervisedProcess;
  readonly pgbouncer: SupervisedProcess;
  readonly redis: SupervisedProcess | null;
}

/** Starts all servers at once. When one does not start, or `signal` is aborted, none is left running. */
export async function startServers(
  context: StackContext,
  programs: Programs,
  signal?: AbortSignal,
): Promise<StackServers> {
  const servers: StackServers = {
    postgres: await postgresProcess(context, programs.postgres),
    pgbouncer: await pgBouncerProcess(context, programs.pgbouncer),
    redis: programs.redis ? await redisProcess(context, programs.redis) : null,
  };
  const stop = () => void stopServers(servers);
  signal?.addEventListener('abort', stop);
  const outcomes = await Promise.allSettled([
    startPostgres(servers.postgres, context, programs),
    startPgBouncer(servers.pgbouncer, context, programs),
    startRedis(servers.redis, context),
  ]);
  signal?.removeEventListener('abort', stop);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure === undefined && !signal?.aborted) return servers;
  await stopServers(servers);
  signal?.throwIfAborted();
  throw failure?.reason;
}

export async function stopServers({ postgres, pgbouncer, redis }: StackServers): Promise<void> {
  await pgbouncer.stop();
  await redis?.stop();
  await postgres.stop();
}

async function startPostgres(
  postgres: SupervisedProcess,
  context: StackContext,
  { postgres: { major } }: Programs,
): Promise<void> {
  await postgres.start();
  const env = stackEnv({ ...context, publicHost: '127.0.0.1', withRedis: false });
  await ensureControlDatabase(loadConfig(env));
  context.report(`PostgreSQL ${major} answers on port ${context.ports.DB_PORT}`);
}

async function startPgBouncer(
  pgbouncer: SupervisedProcess,
  context: StackContext,
  { pgbouncer: { version } }: Programs,
): Promise<void> {
  await pgbouncer.start();
  context.report(`PgBouncer ${version} answers on port ${context.ports.DB_PGBOUNCER_PORT}`);
}

async function startRedis(redis: SupervisedProcess | null, context: StackContext): Promise<void> {
  if (redis === null) return;
  await redis.start();
  context.report(`Redis answers on port ${context.ports.REDIS_PORT}`);
}
