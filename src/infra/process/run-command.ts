import { execFile } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Aborted: the program gets SIGTERM, and the command fails. */
  readonly signal?: AbortSignal;
}

/** A program that could not be run, or that ended with an error; `output` is what it said, its errors last. */
export class CommandError extends Error {
  constructor(
    readonly program: string,
    readonly output: string,
    options?: ErrorOptions,
  ) {
    super(`${program} failed: ${output}`, options);
    this.name = 'CommandError';
  }
}

/** Runs a program to its end and returns its standard output. Throws CommandError. */
export function runCommand(
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<string> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    execFile(program, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const output = [stdout.trim(), stderr.trim()].filter(Boolean).join('\n') || error.message;
      reject(new CommandError(program, output, { cause: error }));
    });
  });
}
