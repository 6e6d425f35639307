import { searchPath } from '../config/stack-config.js';
import { runCommand } from '../infra/process/run-command.js';

const WANTED_FILES = 65_536;

/** The servers get nothing of Rowhouse's own environment, which may hold secrets, or PG* variables that mislead them. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: searchPath().join(':'), LC_ALL: 'C', TZ: 'UTC' };
}

/** How many files a server may open once it is started through `withFileLimit`. */
export async function fileLimit(): Promise<number> {
  const hard = (await runCommand(['sh', '-c', 'ulimit -Hn'])).trim();
  return hard === 'unlimited' ? WANTED_FILES : Math.min(Number(hard), WANTED_FILES);
}

/** Servers such as PgBouncer keep the soft limit they are given, often 1024. */
export function withFileLimit(limit: number, command: readonly string[]): [string, ...string[]] {
  return ['sh', '-c', 'ulimit -Sn "$0" && exec "$@"', String(limit), ...command];
}
