import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { startApp } from '../../src/bootstrap.js';
import { loadConfig } from '../../src/config/load-config.js';
import { until } from './until.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const KEPT_OUTPUT = 5_000_000;

export type Environment = Record<string, string>;

/** The product, running. `stop` is graceful; `kill` ends it as a crash does. Both may be followed by `start`. */
export interface TestApp {
  readonly url: string;
  /** What it logged since its start, the last of it. */
  readonly log: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** In the process of the test: quick, and errors point into the source. It cannot be killed. */
export class InProcessApp implements TestApp {
  private app: NestFastifyApplication | null = null;
  private readonly output = new KeptText();

  constructor(
    readonly url: string,
    private readonly env: Environment,
  ) {}

  get log(): string {
    return this.output.text;
  }

  /** The application itself, for tests that ask its providers. */
  get nest(): NestFastifyApplication {
    if (!this.app) throw new Error('the application does not run');
    return this.app;
  }

  async start(): Promise<void> {
    this.output.clear();
    const logOutput = process.env.LOG_LEVEL ? undefined : { write: (line: string) => this.output.add(line) };
    this.app = (await startApp(loadConfig(this.env), { logOutput })).app;
  }

  async stop(): Promise<void> {
    const { app } = this;
    this.app = null;
    await app?.close();
  }

  kill(): Promise<void> {
    throw new Error("only a child process can be killed: startWorld({ app: 'child' })");
  }
}

/** As its users run it: the built product in a process of its own. */
export class ChildApp implements TestApp {
  private child: ChildProcess | null = null;
  private readonly output = new KeptText();

  constructor(
    readonly url: string,
    readonly env: Environment,
    private readonly main: string = MAIN,
  ) {}

  get hasEnded(): boolean {
    return this.child === null || hasEnded(this.child);
  }

  /** With what it wrote to its standard error. */
  get log(): string {
    return this.output.text;
  }

  get pid(): number {
    if (!this.child?.pid) throw new Error('the application does not run');
    return this.child.pid;
  }

  async start(): Promise<void> {
    if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: npm run build');
    this.output.clear();
    const child = this.spawn();
    this.child = child;
    const state = await until('the application answers', () => this.stateOf(child), { timeoutMs: 30_000 });
    if (state === 'ended') throw new Error(`the application ended:\n${this.log.slice(-20_000)}`);
  }

  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  private spawn(): ChildProcess {
    const env = { ...process.env, ...this.env };
    const child = spawn(process.execPath, [this.main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => this.output.add(String(data)));
    const killChild = () => child.kill('SIGKILL');
    process.once('exit', killChild);
    child.once('exit', () => process.off('exit', killChild));
    return child;
  }

  private async stateOf(child: ChildProcess): Promise<'up' | 'ended' | null> {
    if (hasEnded(child)) return 'ended';
    const answer = await fetch(`${this.url}/health`);
    return answer.ok ? 'up' : null;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child || hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

class KeptText {
  text = '';

  add(text: string): void {
    this.text = (this.text + text).slice(-KEPT_OUTPUT);
  }

  clear(): void {
    this.text = '';
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
