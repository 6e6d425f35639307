import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { type Config, toConfig } from './config.js';
import { Environment } from './environment.js';

/** Names each bad variable and what it should be, never its value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The environment is not valid: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

/** Turns the environment into the one validated, frozen configuration. Throws ConfigError. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const environment = readEnvironment(env);
  const problems = problemsOf(environment);
  if (problems.length > 0) throw new ConfigError(problems);
  return toConfig(environment);
}

/** What `loadConfig` would refuse; empty when it would not. */
export function environmentProblems(env: NodeJS.ProcessEnv): string[] {
  return problemsOf(readEnvironment(env));
}

function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const known = Object.keys(new Environment());
  const given = Object.fromEntries(
    [...known, ...OPTIONAL_VARIABLES].filter((name) => env[name]).map((name) => [name, env[name]]),
  );
  return plainToInstance(Environment, given, { exposeDefaultValues: true });
}

const OPTIONAL_VARIABLES = [
  'API_KEY',
  'DB_HOST',
  'DB_SOCKET_DIR',
  'DB_PGBOUNCER_HOST',
  'PG_HBA_FILE',
  'PGBOUNCER_CONFIG_DIR',
  'PUBLIC_HOST',
  'TLS_CA_FILE',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'REDIS_URL',
  'ENCRYPTION_KEY',
  'ENCRYPTION_KEY_PREVIOUS',
  'CORS_ORIGINS',
] as const satisfies readonly (keyof Environment)[];

/** Of any class with rules, the environment's or the stack's. */
export function problemsOf(environment: object): string[] {
  return validateSync(environment).flatMap((error) => Object.values(error.constraints ?? {}));
}
