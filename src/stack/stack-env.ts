import { join } from 'node:path';
import { STACK_NAMES, type StackContext } from './stack-context.js';

export type StackEnvSource = Pick<StackContext, 'directory' | 'ports' | 'secrets'> & {
  readonly publicHost: string;
  readonly withRedis: boolean;
};

/** The variables by which the API finds the stack, as `loadConfig` reads them. */
export function stackEnv({
  directory,
  ports,
  secrets,
  publicHost,
  withRedis,
}: StackEnvSource): Record<string, string> {
  return {
    PORT: String(ports.PORT),
    DB_HOST: '127.0.0.1',
    DB_SOCKET_DIR: directory.sockets,
    DB_PORT: String(ports.DB_PORT),
    DB_USER: STACK_NAMES.controlUser,
    DB_PASSWORD: secrets.controlPassword,
    DB_NAME: STACK_NAMES.controlDatabase,
    DB_SSL: 'disable',
    PG_ADMIN_USER: STACK_NAMES.superuser,
    PG_ADMIN_PASSWORD: secrets.postgresPassword,
    PG_HBA_FILE: join(directory.postgres, 'pg_hba.conf'),
    DB_PGBOUNCER_HOST: '127.0.0.1',
    DB_PGBOUNCER_PORT: String(ports.DB_PGBOUNCER_PORT),
    PGBOUNCER_ADMIN_USER: STACK_NAMES.poolerAdminUser,
    PGBOUNCER_ADMIN_PASSWORD: secrets.poolerAdminPassword,
    PGBOUNCER_AUTH_USER: STACK_NAMES.poolerAuthUser,
    PGBOUNCER_AUTH_PASSWORD: secrets.poolerAuthPassword,
    PGBOUNCER_CONFIG_DIR: directory.pgbouncer,
    PUBLIC_HOST: publicHost,
    TLS_CA_FILE: directory.clientCa,
    TLS_CERT_FILE: directory.servedPair,
    TLS_KEY_FILE: directory.servedPair,
    ENCRYPTION_KEY: secrets.encryptionKey,
    ENCRYPTION_KEY_PREVIOUS: secrets.formerEncryptionKeys.join(','),
    ...(withRedis && { REDIS_URL: `redis://:${secrets.redisPassword}@127.0.0.1:${ports.REDIS_PORT}` }),
  };
}
