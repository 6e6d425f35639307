import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsSource } from '../../src/config/tls-config.js';
import { type LocalStack, startLocalStack } from '../../src/stack/local-stack.js';
import type { RenewalTimes } from '../../src/stack/tls/acme-renewal.js';

const START_TIMEOUT_MS = 60_000;

export interface TestStackOptions {
  /** fsync on, for measurements and crash tests of the server itself. */
  durable?: boolean;
  postgresBinDir?: string;
  withRedis?: boolean;
  /** Another one than loopback makes the servers listen on every address. */
  publicHost?: string;
  tls?: TlsSource;
  renewalTimes?: RenewalTimes;
  /** What a person is told while it runs. */
  report?: (line: string) => void;
}

export interface TestStack extends LocalStack {
  readonly dataDir: string;
}

/** PostgreSQL, PgBouncer and Redis on free ports in a directory of their own, which goes when they stop. */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const dataDir = createTestDirectory();
  const lines: string[] = [];
  let tell = (line: string): unknown => lines.push(line);
  try {
    const stack = await startLocalStack({
      dataDir,
      ports: 'free',
      publicHost: '127.0.0.1',
      durable: false,
      withRedis: true,
      report: (line) => tell(line),
      signal: AbortSignal.timeout(START_TIMEOUT_MS),
      ...options,
    });
    // A server that ends by itself is what failed, whatever the test that needed it says.
    tell = (line) => process.stderr.write(`${dataDir}: ${line}\n`);
    return withRemoval(stack, dataDir);
  } catch (error) {
    removeDirectory(dataDir);
    throw new Error(`the stack did not start:\n${lines.join('\n')}`, { cause: error });
  }
}

/** Started by root, PostgreSQL runs as another user, who has to get through to its files. */
export function createTestDirectory(): string {
  const directory = mkdtempSync(join(process.getuid?.() === 0 ? '/tmp' : tmpdir(), 'rowhouse-test-'));
  chmodSync(directory, 0o755);
  return directory;
}

function withRemoval(stack: LocalStack, dataDir: string): TestStack {
  const killAll = () => {
    for (const server of [stack.postgres, stack.pgbouncer, stack.redis]) killQuietly(server?.pid);
    removeDirectory(dataDir);
  };
  process.once('exit', killAll);
  const stop = async () => {
    process.off('exit', killAll);
    try {
      await stack.stop();
    } finally {
      removeDirectory(dataDir);
    }
  };
  const { env, postgres, pgbouncer, redis } = stack;
  return { env, postgres, pgbouncer, redis, dataDir, stop };
}

function killQuietly(pid: number | null | undefined): void {
  if (!pid) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
