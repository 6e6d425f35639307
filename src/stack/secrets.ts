import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { generatePassword, randomHex } from '../kernel/ids.js';
import { StackError } from './stack-error.js';

const GENERATORS = {
  postgresPassword: () => generatePassword(),
  controlPassword: () => generatePassword(),
  poolerAdminPassword: () => generatePassword(),
  poolerAuthPassword: () => generatePassword(),
  redisPassword: () => generatePassword(),
  /** 32 bytes, hexadecimal. */
  encryptionKey: () => randomHex(32),
} as const;

export type StackSecrets = Readonly<Record<keyof typeof GENERATORS, string>>;

/** Reads the secrets of the data directory; makes those that are missing. `hasCluster`: losing them would lock us out. */
export function loadSecrets(path: string, hasCluster: boolean): StackSecrets {
  if (!existsSync(path) && hasCluster) {
    throw new StackError(
      `${path} is missing, but the cluster beside it needs its passwords: restore that file`,
    );
  }
  const known = existsSync(path) ? parseSecrets(path) : {};
  const secrets = completeSecrets(known);
  if (Object.keys(known).length < Object.keys(secrets).length) writeSecrets(path, secrets);
  return secrets;
}

export function parseSecrets(path: string): Partial<StackSecrets> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<StackSecrets>;
  } catch (error) {
    throw new StackError(`${path} cannot be read: restore that file`, [], { cause: error });
  }
}

export function completeSecrets(known: Partial<StackSecrets>): StackSecrets {
  const names = Object.keys(GENERATORS) as (keyof StackSecrets)[];
  return Object.fromEntries(names.map((name) => [name, known[name] ?? GENERATORS[name]()])) as StackSecrets;
}

function writeSecrets(path: string, secrets: StackSecrets): void {
  const next = `${path}.new`;
  writeFileSync(next, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(next, path);
}
