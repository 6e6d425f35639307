import 'reflect-metadata';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { plainToInstance, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import type { Config } from './config.js';
import { listOf } from './environment-rules.js';
import { ConfigError, environmentProblems, loadConfig, problemsOf } from './load-config.js';
import { TLS_VARIABLES, TlsEnvironment, type TlsSource, toTlsSource } from './tls-config.js';

/** The ports of the local stack, by the variable that chooses each. */
export const DEFAULT_PORTS = {
  PORT: 3000,
  DB_PORT: 5432,
  DB_PGBOUNCER_PORT: 6432,
  REDIS_PORT: 6379,
} as const;

export type PortVariable = keyof typeof DEFAULT_PORTS;

/** What `npm start` needs to know to run servers of its own. */
export interface StackConfig {
  readonly dataDir: string;
  readonly postgresBinDir: string | null;
  readonly publicHost: string;
  /** Ports that the environment names. These are not replaced when they are taken. */
  readonly chosenPorts: Readonly<Partial<Record<PortVariable, number>>>;
  readonly withRedis: boolean;
  readonly tls: TlsSource;
}

const MAX_PORT = 65_535;

class StackEnvironment {
  @IsOptional()
  @IsString()
  ROWHOUSE_DATA_DIR?: string;

  @IsOptional()
  @IsString()
  POSTGRES_BIN_DIR?: string;

  @Matches(/^[A-Za-z0-9.:_-]{1,253}$/, { message: 'PUBLIC_HOST must be a host name or an IP address' })
  PUBLIC_HOST = '127.0.0.1';

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(MAX_PORT)
  PORT?: number;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PORT)
  DB_PORT?: number;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PORT)
  DB_PGBOUNCER_PORT?: number;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PORT)
  REDIS_PORT?: number;
}

const VARIABLES = [
  'ROWHOUSE_DATA_DIR',
  'POSTGRES_BIN_DIR',
  'PUBLIC_HOST',
  'PORT',
  'DB_PORT',
  'DB_PGBOUNCER_PORT',
  'REDIS_PORT',
] as const satisfies readonly (keyof StackEnvironment)[];

/**
 * Reads what concerns the local stack. Everything else of the environment is checked with it, so that one message names
 * all that is wrong; null when DB_HOST names a server, so that none is started. Throws ConfigError.
 */
export function loadStackConfig(env: NodeJS.ProcessEnv = process.env): StackConfig | null {
  const stack = pick(StackEnvironment, VARIABLES, env);
  const tls = pick(TlsEnvironment, TLS_VARIABLES, env);
  const problems = new Set([
    ...problemsOf(stack),
    ...problemsOf(tls),
    ...withoutStack(tls, env),
    ...environmentProblems(env),
  ]);
  if (problems.size > 0) throw new ConfigError([...problems]);
  if (env['DB_HOST']) return null;
  return {
    dataDir: dataDirectory(env),
    postgresBinDir: stack.POSTGRES_BIN_DIR ? resolve(stack.POSTGRES_BIN_DIR) : null,
    publicHost: stack.PUBLIC_HOST,
    chosenPorts: chosenPorts(stack),
    withRedis: !env['REDIS_URL'],
    tls: toTlsSource(tls),
  };
}

/**
 * The configuration of an API that uses the local stack. What the stack decides wins, but an ENCRYPTION_KEY or a
 * REDIS_URL of the environment stays.
 */
export function loadConfigOver(
  stackEnv: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
): Config {
  const { REDIS_URL } = env;
  return loadConfig({
    ...env,
    ...stackEnv,
    ...encryptionKeys(stackEnv, env),
    ...(REDIS_URL && { REDIS_URL }),
  });
}

/** What the stack's own keys sealed still opens when the environment brings another. */
function encryptionKeys(stackEnv: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv) {
  const [present, ...former] = [env['ENCRYPTION_KEY'], stackEnv['ENCRYPTION_KEY']].filter(Boolean);
  const previous = [env, stackEnv].flatMap((source) => listOf(source['ENCRYPTION_KEY_PREVIOUS']));
  return { ENCRYPTION_KEY: present, ENCRYPTION_KEY_PREVIOUS: [...former, ...previous].join(',') };
}

/** The directories in which a shell looks for programs. */
export function searchPath(env: NodeJS.ProcessEnv = process.env): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
}

function pick<T extends object>(
  type: new () => T,
  names: readonly (keyof T & string)[],
  env: NodeJS.ProcessEnv,
): T {
  const given = Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]));
  return plainToInstance(type, given, { exposeDefaultValues: true });
}

/** Certificates of servers that run elsewhere are not ours to renew. */
function withoutStack({ TLS_MODE }: TlsEnvironment, env: NodeJS.ProcessEnv): string[] {
  const isRefused = TLS_MODE === 'acme' && Boolean(env['DB_HOST']);
  return isRefused
    ? ['TLS_MODE must not be acme with DB_HOST: only servers of the local stack get certificates']
    : [];
}

/** Where Rowhouse keeps files of its own, also beside servers that it does not run. */
export function dataDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['ROWHOUSE_DATA_DIR'] || defaultDataDir(env));
}

function defaultDataDir(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/rowhouse';
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'rowhouse');
}

function chosenPorts(stack: StackEnvironment): StackConfig['chosenPorts'] {
  const names = Object.keys(DEFAULT_PORTS) as PortVariable[];
  return Object.fromEntries(
    names.filter((name) => stack[name] !== undefined).map((name) => [name, stack[name]]),
  );
}
