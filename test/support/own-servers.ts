import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LogFile } from '../../src/infra/process/log-file.js';
import { canConnect, findFreePort } from '../../src/infra/process/ports.js';
import { runCommand } from '../../src/infra/process/run-command.js';
import { SupervisedProcess } from '../../src/infra/process/supervised-process.js';
import { findPgBouncer, findPostgres } from '../../src/stack/binaries.js';
import { giveTo } from '../../src/stack/data-directory.js';
import { asService, type Command, findServiceAccount } from '../../src/stack/service-account.js';
import { createTestDirectory } from './stack.js';

const PAGE = fileURLToPath(new URL('../../docs/own-server.md', import.meta.url));
/** Servers that the page starts as daemons are children here, so that they end with the test. */
const STARTS = /^(pg_ctl|pgbouncer) .*\n/gm;
const SECRETS = ['PG_ADMIN_PASSWORD', 'DB_PASSWORD', 'PGBOUNCER_ADMIN_PASSWORD', 'PGBOUNCER_AUTH_PASSWORD'];
const START_TIMEOUT_MS = 60_000;

/** PostgreSQL and PgBouncer as docs/own-server.md has one set them up. */
export interface OwnServers {
  /** What Rowhouse needs to find them. */
  readonly env: Record<string, string>;
  readonly postgres: SupervisedProcess;
  readonly pgbouncer: SupervisedProcess;
  /** Changes the text of a file under the directory of the page, until `mend`. */
  change(file: string, edit: (text: string) => string): void;
  /** Puts back what was changed. */
  mend(): void;
  stop(): Promise<void>;
}

export async function startOwnServers(): Promise<OwnServers> {
  const root = createTestDirectory();
  const account = findServiceAccount();
  const home = join(root, 'home');
  mkdirSync(home);
  giveTo(home, account);
  const directory = join(home, 'own-server');
  const postgresPort = await findFreePort();
  const poolerPort = await findFreePort([postgresPort]);
  const [binaries, pooler] = [await findPostgres(null, null), await findPgBouncer()];
  const script = pageScript()
    .replaceAll('5450', String(postgresPort))
    .replaceAll('6450', String(poolerPort))
    .replace('/usr/lib/postgresql/15/bin', binaries.directory);
  const tell = `printf '%s\\n' ${SECRETS.map((name) => `"$${name}"`).join(' ')} > "$DIR/secrets"`;
  await runCommand(asService(account, ['bash', '-euc', `${script}\n${tell}`]), {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home },
  });
  const secrets = readFileSync(join(directory, 'secrets'), 'utf8').split('\n');

  const child = (name: string, port: number, signal: NodeJS.Signals, command: Command) =>
    new SupervisedProcess({
      name,
      command: asService(account, command),
      directory,
      env: { PATH: process.env['PATH'], HOME: home },
      log: new LogFile(join(root, `${name}.log`)),
      prepare: async () => undefined,
      isReady: () => canConnect(port),
      startTimeoutMs: START_TIMEOUT_MS,
      stopStages: [{ signal, waitMs: 10_000 }],
      report: (line) => process.stderr.write(`${line}\n`),
    });
  const data = join(directory, 'data');
  const postgres = child('PostgreSQL', postgresPort, 'SIGINT', [
    join(binaries.directory, 'postgres'),
    '-D',
    data,
  ]);
  const pgbouncer = child('PgBouncer', poolerPort, 'SIGTERM', [
    pooler.path,
    join(directory, 'pgbouncer/pgbouncer.ini'),
  ]);
  const former = new Map<string, string>();
  const stop = async () => {
    await pgbouncer.stop();
    await postgres.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await postgres.start();
    await pgbouncer.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    postgres,
    pgbouncer,
    stop,
    change(file, edit) {
      const path = join(directory, file);
      const text = readFileSync(path, 'utf8');
      if (!former.has(path)) former.set(path, text);
      writeFileSync(path, edit(text));
    },
    mend() {
      for (const [path, text] of former) writeFileSync(path, text);
      former.clear();
    },
    env: {
      ...Object.fromEntries(SECRETS.map((name, at) => [name, secrets[at] ?? ''])),
      DB_HOST: '127.0.0.1',
      DB_PORT: String(postgresPort),
      DB_PGBOUNCER_PORT: String(poolerPort),
      DB_SOCKET_DIR: directory,
      PGBOUNCER_CONFIG_DIR: join(directory, 'pgbouncer'),
      PUBLIC_HOST: 'localhost',
      TLS_CA_FILE: join(directory, 'tls/ca.crt'),
    },
  };
}

/** What the page has one type before Rowhouse itself is started. */
function pageScript(): string {
  const [page = ''] = readFileSync(PAGE, 'utf8').split('\n## 4. ');
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
  return blocks.join('\n').replace(STARTS, '');
}
