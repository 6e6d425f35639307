import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogFile } from './log-file.js';

const POLL_MS = 20;
/** Each question to a PostgreSQL that recovers from a crash is a line in its log. */
const MAX_POLL_MS = 500;
const TAIL_LINES = 8;
/** Lines of its log that are shown when it ended by itself. */
const LAST_WORDS = 3;
const FIRST_BACKOFF_MS = 250;
const LAST_BACKOFF_MS = 30_000;
const LOG_CHECK_MS = 60_000;

export interface StopStage {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

export interface ProcessSpec {
  /** As a person calls it: `PostgreSQL`. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: LogFile;
  /** Runs before each start, also before a restart: removes what an earlier run left. */
  prepare(): Promise<void>;
  /** Whether it serves. Throws only what waiting longer cannot cure. */
  isReady(): Promise<boolean>;
  readonly startTimeoutMs: number;
  /** From gentle to rough; SIGKILL follows by itself. */
  readonly stopStages: readonly StopStage[];
  /** Tells a person what happened while nobody waited. */
  report(line: string): void;
}

/** The process ended, or did not serve in time, while it was being started. */
export class StartFailedError extends Error {
  constructor(
    readonly processName: string,
    reason: string,
    readonly logPath: string,
    readonly logTail: readonly string[],
  ) {
    super(`${processName} did not start: ${reason}`);
    this.name = 'StartFailedError';
  }
}

/**
 * A server as a child process: started until it serves, restarted with backoff when it dies by itself, stopped in
 * stages. `stop` and `kill` are meant, so it stays down until the next `start`.
 */
export class SupervisedProcess {
  private child: ChildProcess | null = null;
  private wanted = false;
  private backoff = new AbortController();
  private restarting: Promise<void> = Promise.resolve();
  private logCheck: NodeJS.Timeout | undefined;
  private spawnError: Error | null = null;

  constructor(private readonly spec: ProcessSpec) {}

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Resolves when it serves. Throws StartFailedError, with nothing left running. */
  async start(): Promise<void> {
    if (this.wanted) return;
    this.wanted = true;
    this.backoff = new AbortController();
    this.logCheck = setInterval(() => this.spec.log.rotateWhenLarge(), LOG_CHECK_MS).unref();
    try {
      await this.launch();
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.giveUp(this.spec.stopStages);
  }

  async kill(): Promise<void> {
    await this.giveUp([]);
  }

  private async giveUp(stages: readonly StopStage[]): Promise<void> {
    this.wanted = false;
    this.backoff.abort();
    clearInterval(this.logCheck);
    await this.end(stages);
    await this.restarting;
  }

  private async end(stages: readonly StopStage[]): Promise<void> {
    const child = this.child;
    if (child === null) return;
    const ended = exitOf(child);
    for (const { signal, waitMs } of stages) {
      child.kill(signal);
      if (await endsWithin(ended, waitMs)) return;
    }
    child.kill('SIGKILL');
    await ended;
  }

  private async launch(): Promise<void> {
    await this.spec.prepare();
    const logStart = this.spec.log.size();
    if (!this.wanted) throw this.startFailed('it was stopped', logStart);
    const child = this.spawn();
    const problem = await this.findStartProblem(child);
    if (problem !== null) throw this.startFailed(problem, logStart);
    child.once('exit', (code, signal) => this.onDeath(signal ? `by ${signal}` : `with status ${code}`));
  }

  private async findStartProblem(child: ChildProcess): Promise<string | null> {
    const deadline = Date.now() + this.spec.startTimeoutMs;
    for (let pollMs = POLL_MS; Date.now() < deadline; pollMs = Math.min(pollMs * 1.1, MAX_POLL_MS)) {
      const ready = await this.spec.isReady();
      if (!this.wanted) return 'it was stopped';
      if (this.child !== child) return this.spawnError?.message ?? 'it ended at once';
      if (ready) return null;
      await delay(pollMs);
    }
    return `it does not answer after ${this.spec.startTimeoutMs / 1000} s`;
  }

  private spawn(): ChildProcess {
    const [command, ...args] = this.spec.command;
    const output = this.spec.log.openForAppend();
    // A session of its own: Ctrl-C in the terminal reaches Rowhouse only, which then stops its servers in order.
    const child = spawn(command, args, {
      cwd: this.spec.directory,
      env: this.spec.env,
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    this.child = child;
    this.spawnError = null;
    const forget = () => {
      if (this.child === child) this.child = null;
    };
    child.once('exit', forget);
    child.once('error', (error) => {
      this.spawnError = error;
      forget();
    });
    return child;
  }

  private onDeath(how: string): void {
    if (!this.wanted) return;
    this.restarting = this.restart();
    const { name, log, report } = this.spec;
    report(`${name} ended unexpectedly ${how}; restarting it (log: ${log.path})`);
    for (const line of lastWords(log)) report(`  ${line}`);
  }

  private async restart(): Promise<void> {
    for (let wait = FIRST_BACKOFF_MS; this.wanted; wait = Math.min(wait * 2, LAST_BACKOFF_MS)) {
      await delay(wait, undefined, { signal: this.backoff.signal }).catch(() => undefined);
      if (!this.wanted) return;
      try {
        await this.launch();
        this.spec.report(`${this.spec.name} is back`);
        return;
      } catch (error) {
        await this.end([]);
        if (this.wanted) this.spec.report(`${(error as Error).message}; trying again`);
      }
    }
  }

  private startFailed(reason: string, logStart: number): StartFailedError {
    const tail = this.spec.log.tail(TAIL_LINES, logStart);
    return new StartFailedError(this.spec.name, reason, this.spec.log.path, tail);
  }
}

/** None when the log cannot be read: the restart matters more. */
function lastWords(log: LogFile): string[] {
  try {
    return log.tail(LAST_WORDS);
  } catch {
    return [];
  }
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

async function endsWithin(ended: Promise<void>, waitMs: number): Promise<boolean> {
  const timer = new AbortController();
  const timedOut = delay(waitMs, false, { signal: timer.signal }).catch(() => false);
  const outcome = await Promise.race([ended.then(() => true), timedOut]);
  timer.abort();
  return outcome;
}
