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

export type StackSecrets = Readonly<Record<keyof typeof GENERATORS, string>> & {
  /** Keys with which stored secrets may be sealed still. */
  readonly formerEncryptionKeys: readonly string[];
};

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
  const names = Object.keys(GENERATORS) as (keyof typeof GENERATORS)[];
  const values = names.map((name) => [name, known[name] ?? GENERATORS[name]()]);
  const { formerEncryptionKeys = [] } = known;
  return { ...(Object.fromEntries(values) as StackSecrets), formerEncryptionKeys };
}

/** A new key for the next start; the present one becomes a former one. Nobody else may use the directory meanwhile. */
export function rotateEncryptionKey(path: string): void {
  const { encryptionKey, formerEncryptionKeys, ...others } = loadSecrets(path, true);
  writeSecrets(path, {
    ...others,
    encryptionKey: GENERATORS.encryptionKey(),
    formerEncryptionKeys: [encryptionKey, ...formerEncryptionKeys],
  });
}

/** Keeps of the former keys only those that are needed still. */
export function keepFormerKeys(path: string, isNeeded: (key: string) => boolean): void {
  const secrets = loadSecrets(path, true);
  const formerEncryptionKeys = secrets.formerEncryptionKeys.filter(isNeeded);
  if (formerEncryptionKeys.length < secrets.formerEncryptionKeys.length)
    writeSecrets(path, { ...secrets, formerEncryptionKeys });
}

function writeSecrets(path: string, secrets: StackSecrets): void {
  const next = `${path}.new`;
  writeFileSync(next, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(next, path);
}
