import { afterAll } from 'vitest';
import { type Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { findFreePort } from '../../src/infra/process/ports.js';
import { randomHex } from '../../src/kernel/ids.js';
import { ApiClient } from './api.js';
import { ChildApp, InProcessApp, type TestApp } from './app.js';
import { AuditTripwire } from './audit-tripwire.js';
import { Contract } from './contract.js';
import { Session } from './session.js';
import { startTestStack, type TestStack, type TestStackOptions } from './stack.js';

export interface WorldOptions extends TestStackOptions {
  /** `child` runs dist/main.js in a process that can be killed; the default is the test's own process. */
  app?: 'in-process' | 'child';
  /** Environment variables on top of the stack's own. */
  env?: Record<string, string>;
}

/** The whole product on a stack of its own, and the means to ask it from outside. */
export interface World {
  readonly stack: TestStack;
  readonly app: TestApp;
  /** With the admin key. */
  readonly api: ApiClient;
  readonly config: Config;
  /** As superuser in the control database, on the direct port. */
  readonly control: Session;
  /** As superuser in the database `postgres`, on the direct port. */
  readonly server: Session;
  /** PgBouncer's console; it takes one command a message and no parameters. */
  readonly pooler: Session;
  stop(): Promise<void>;
}

/** Starts a world for the file that calls it at its top, and stops it after the file's last test. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  let world: World | undefined;
  afterAll(() => world?.stop());
  world = await openWorld(options);
  return world;
}

/** The same for who stops it himself. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const cleanUps: CleanUp[] = [];
  const stop = () => runAll(cleanUps.splice(0).reverse());
  try {
    return { ...(await buildWorld(options, (cleanUp) => cleanUps.push(cleanUp))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type CleanUp = () => Promise<void>;

async function buildWorld(
  options: WorldOptions,
  onStop: (cleanUp: CleanUp) => void,
): Promise<Omit<World, 'stop'>> {
  const stack = await startTestStack(options);
  onStop(() => stack.stop());
  const port = await findFreePort();
  const env = {
    ...DEFAULTS,
    LOG_LEVEL: logLevel(),
    ...stack.env,
    API_KEY: randomHex(24),
    PORT: String(port),
    ...options.env,
  };
  const config = loadConfig(env);
  const sessions = openSessions(config);
  onStop(() => sessions.end());
  const url = `http://127.0.0.1:${port}`;
  const app = options.app === 'child' ? new ChildApp(url, env) : new InProcessApp(url, env);
  onStop(() => app.stop());
  await app.start();
  const api = new ApiClient({
    baseUrl: url,
    key: config.apiKey,
    contract: Contract.load(),
    audit: new AuditTripwire(sessions.control),
    log: () => app.log,
  });
  return { stack, app, api, config, ...sessions };
}

/** Retries and background jobs are as in production; only the noise and the limits that a test runs into are not. */
const DEFAULTS = { NODE_ENV: 'test', RATE_LIMIT_PER_MINUTE: '1000000', AUTH_FAILURE_LIMIT: '0' };

function logLevel(): string {
  return process.env.LOG_LEVEL ?? 'warn';
}

function openSessions({ server, control }: Config) {
  const { host, port, pooler } = server;
  if (!pooler) throw new Error('the stack runs without PgBouncer');
  const admin = { host, port, user: server.adminUser, password: server.adminPassword };
  const sessions = {
    control: new Session({ ...admin, database: control.database }),
    server: new Session({ ...admin, database: 'postgres' }),
    pooler: new Session({
      host: pooler.host,
      port: pooler.port,
      user: pooler.adminUser,
      password: pooler.adminPassword,
      database: 'pgbouncer',
    }),
  };
  const end = async () => {
    await Promise.all(Object.values(sessions).map((session) => session.end()));
  };
  return { ...sessions, end };
}

/** Every clean-up gets its turn; the first failure is the one that shows. */
async function runAll(cleanUps: readonly CleanUp[]): Promise<void> {
  const failures: unknown[] = [];
  for (const cleanUp of cleanUps) await cleanUp().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
