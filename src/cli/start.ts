import { type StartedApp, startApp } from '../bootstrap.js';
import type { Config } from '../config/config.js';
import { loadConfig } from '../config/load-config.js';
import { loadConfigOver, loadStackConfig, type StackConfig } from '../config/stack-config.js';
import { type LocalStack, startLocalStack } from '../stack/local-stack.js';
import { StackError } from '../stack/stack-error.js';
import { reportFailure } from './failure.js';
import { done, print, warn } from './progress.js';
import { showWelcome } from './show-welcome.js';
import { onStopSignal } from './stop-signal.js';

/** Runs the whole product until a signal ends it: servers of its own unless DB_HOST names some, and the API. */
export async function start(): Promise<void> {
  const stackConfig = loadStackConfig();
  // Wrong variables show before anything is started.
  const checked = loadConfig();
  const run = new Run();
  onStopSignal(() => run.stop());
  try {
    const config = stackConfig ? await run.startStack(stackConfig) : checked;
    const started = await run.startApi(config);
    if (!config.redisUrl) done(WITHOUT_REDIS);
    await showWelcome(started, config, stackConfig?.dataDir ?? null);
    for (const warning of started.warnings) warn(warning);
  } catch (error) {
    if (run.isStopping) return run.leave();
    await run.end();
    reportFailure(error);
  }
}

const WITHOUT_REDIS =
  'REDIS_URL is not set: rate limits count, and revoked keys are forgotten, in each process by itself';

const SERVER_NAMES = { pgbouncer: 'PgBouncer', redis: 'Redis', postgres: 'PostgreSQL' } as const;

/** What was started, so that it can be ended in order at any moment. */
class Run {
  private readonly aborter = new AbortController();
  private stack: LocalStack | null = null;
  private started: StartedApp | null = null;

  get isStopping(): boolean {
    return this.aborter.signal.aborted;
  }

  async startStack({ withRedis, ...options }: StackConfig): Promise<Config> {
    const { signal } = this.aborter;
    // What happens later, a restart for one, is no step that was done.
    const report = (line: string) => (this.started ? print(line) : done(line));
    this.stack = await startLocalStack({ ...options, withRedis, report, signal });
    return loadConfigOver(this.stack.env);
  }

  async startApi(config: Config): Promise<StartedApp> {
    this.aborter.signal.throwIfAborted();
    this.started = await startApp(config).catch((error: unknown) => {
      throw explain(error, config);
    });
    this.aborter.signal.throwIfAborted();
    return this.started;
  }

  /** While it is still starting, the start itself notices and ends what it has. */
  async stop(): Promise<void> {
    this.aborter.abort();
    if (this.started === null) return;
    print('Stopping');
    await this.leave();
  }

  /** The last line shows that nothing is left running. */
  async leave(): Promise<never> {
    await this.end();
    print(`Stopped: ${this.names.join(', ') || 'nothing had been started'}`);
    process.exit(0);
  }

  private get names(): string[] {
    const servers = ['pgbouncer', 'redis', 'postgres'] as const;
    const own = servers.filter((name) => this.stack?.[name]).map((name) => SERVER_NAMES[name]);
    return [...(this.started ? ['the API'] : []), ...own];
  }

  async end(): Promise<void> {
    await this.started?.app.close();
    await this.stack?.stop();
  }
}

function explain(error: unknown, { http }: Config): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return error;
  return new StackError(`PORT: port ${http.port} is taken: free it, or choose another PORT`, [], {
    cause: error,
  });
}
