import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LockFile, LockHeldError } from '../infra/process/lock-file.js';
import { runCommand } from '../infra/process/run-command.js';
import { asService, type ServiceAccount } from './service-account.js';
import { StackError } from './stack-error.js';

const MAX_SOCKET_PATH = process.platform === 'linux' ? 108 : 104;

/** Where each thing lives in the data directory. */
export class DataDirectory {
  readonly lock: string;
  readonly secrets: string;
  readonly state: string;
  readonly tls: string;
  /** What all servers serve: the certificate, those above it, and the key. */
  readonly servedPair: string;
  /** What clients trust; missing where their systems' roots do. */
  readonly clientCa: string;
  readonly acme: string;
  readonly postgres: string;
  readonly pgbouncer: string;
  readonly redis: string;
  readonly logs: string;
  /** Unix sockets of PostgreSQL and PgBouncer, for the service account and root only. */
  readonly sockets: string;

  constructor(readonly root: string) {
    this.lock = join(root, 'lock');
    this.secrets = join(root, 'secrets.json');
    this.state = join(root, 'stack.json');
    this.tls = join(root, 'tls');
    this.servedPair = join(this.tls, 'served.pem');
    this.clientCa = join(this.tls, 'client-ca.crt');
    this.acme = join(root, 'acme');
    this.postgres = join(root, 'postgres');
    this.pgbouncer = join(root, 'pgbouncer');
    this.redis = join(root, 'redis');
    this.logs = join(root, 'logs');
    this.sockets = join(root, 'run');
  }

  /** Makes what is missing. The path becomes a real one, without links, as the kernel shows it. */
  static async create(path: string, account: ServiceAccount | null): Promise<DataDirectory> {
    await assertReachable(path, account);
    try {
      createDirectories(path);
      const directory = new DataDirectory(realpathSync(path));
      directory.assertSocketsFit();
      for (const inner of [directory.tls, directory.logs]) mkdirSync(inner, { recursive: true, mode: 0o755 });
      directory.createServiceDirectories(account);
      await assertReachable(directory.root, account);
      return directory;
    } catch (error) {
      throw toStackError(path, error);
    }
  }

  /** Throws StackError when another Rowhouse runs on this directory. */
  acquireLock(): LockFile {
    try {
      return LockFile.acquire(this.lock);
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw toStackError(this.root, error);
      throw new StackError(
        `Rowhouse already runs on ${this.root} (process ${error.pid}): stop it first, or choose another ROWHOUSE_DATA_DIR`,
        [],
        { cause: error },
      );
    }
  }

  /** The major version that made the cluster, or null when there is none yet. */
  findClusterMajor(): number | null {
    const file = join(this.postgres, 'PG_VERSION');
    return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : null;
  }

  /** The kernel keeps the path of a Unix socket in a field of 108 bytes, 104 on macOS (unix(7)). */
  private assertSocketsFit(): void {
    const longest = join(this.sockets, '.s.PGSQL.65535');
    if (Buffer.byteLength(longest) < MAX_SOCKET_PATH) return;
    throw new StackError(
      `The path of the data directory ${this.root} is too long for Unix sockets below it: choose a ROWHOUSE_DATA_DIR of at most ${MAX_SOCKET_PATH - 1 - (Buffer.byteLength(longest) - Buffer.byteLength(this.root))} bytes`,
    );
  }

  private createServiceDirectories(account: ServiceAccount | null): void {
    for (const path of [this.pgbouncer, this.redis]) {
      mkdirSync(path, { recursive: true });
      giveTo(path, account);
      // Setgid: what Rowhouse writes here as root stays readable for the servers' group.
      chmodSync(path, 0o2750);
    }
    mkdirSync(this.sockets, { recursive: true });
    giveTo(this.sockets, account);
    chmodSync(this.sockets, 0o700);
    assertOwner(this.postgres, account);
  }
}

/** Step by step, since Node's own recursive way never returns where the kernel has no such directory, as in /proc. */
function createDirectories(path: string): void {
  if (existsSync(path)) return;
  createDirectories(dirname(path));
  mkdirSync(path, { mode: 0o755 });
}

/** Makes the service account the owner, when there is one. */
export function giveTo(path: string, account: ServiceAccount | null): void {
  if (account) chownSync(path, account.uid, account.gid);
}

function assertOwner(cluster: string, account: ServiceAccount | null): void {
  if (!existsSync(cluster)) return;
  const expected = account?.uid ?? process.getuid?.();
  if (statSync(cluster).uid === expected) return;
  throw new StackError(
    `${cluster} belongs to another user: start Rowhouse as the user that made it, or choose another ROWHOUSE_DATA_DIR`,
  );
}

async function assertReachable(root: string, account: ServiceAccount | null): Promise<void> {
  if (account === null) return;
  for (const path of ancestors(root).filter((place) => existsSync(place))) {
    const test = asService(account, ['test', '-x', path]);
    await runCommand(test).catch(() => {
      throw new StackError(
        `The user ${account.name}, as which the servers run, cannot enter ${path}: chmod o+x ${path}, or choose another ROWHOUSE_DATA_DIR`,
      );
    });
  }
}

/** From the top of the file system down to the path itself. */
export function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...ancestors(parent), path];
}

function toStackError(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (!code || error instanceof StackError) return error;
  return new StackError(
    `The data directory ${path} cannot be used (${code}): make it writable, or choose another ROWHOUSE_DATA_DIR`,
    [],
    { cause: error },
  );
}
