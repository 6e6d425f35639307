import { join } from 'node:path';
import { Redis } from 'ioredis';
import { writeAtomically } from '../infra/files/atomic-file.js';
import { LogFile } from '../infra/process/log-file.js';
import { SupervisedProcess } from '../infra/process/supervised-process.js';
import { stopLeftovers } from './leftovers.js';
import { renderRedisConf } from './redis-config.js';
import { serverEnvironment } from './server-environment.js';
import { asService } from './service-account.js';
import type { StackContext } from './stack-context.js';

const STOP_STAGES = [{ signal: 'SIGTERM', waitMs: 10_000 }] as const;

export async function redisProcess(context: StackContext, program: string): Promise<SupervisedProcess> {
  const { directory, account, ports, secrets, loopbackAddresses, report } = context;
  const file = join(directory.redis, 'redis.conf');
  const text = renderRedisConf({
    port: ports.REDIS_PORT,
    listenAddresses: loopbackAddresses,
    password: secrets.redisPassword,
    directory: directory.redis,
  });
  await writeAtomically(file, text);
  return new SupervisedProcess({
    name: 'Redis',
    command: asService(account, [program, file]),
    directory: directory.redis,
    env: serverEnvironment(),
    log: new LogFile(join(directory.logs, 'redis.log')),
    prepare: () => stopLeftoverRedis(context),
    isReady: () => isRedisReady(context),
    startTimeoutMs: 15_000,
    stopStages: STOP_STAGES,
    report,
  });
}

export function stopLeftoverRedis({
  directory,
  report,
}: Pick<StackContext, 'directory' | 'report'>): Promise<void> {
  return stopLeftovers({
    name: 'Redis',
    directory: directory.redis,
    programs: ['redis-server', 'redis-check-rdb', 'valkey-server'],
    stages: STOP_STAGES,
    report,
  });
}

async function isRedisReady({ ports, secrets }: StackContext): Promise<boolean> {
  const client = new Redis({
    host: '127.0.0.1',
    port: ports.REDIS_PORT,
    password: secrets.redisPassword,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
