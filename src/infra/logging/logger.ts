import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import pinoPretty from 'pino-pretty';
import type { Config } from '../../config/config.js';
import { MASK, maskText } from '../../kernel/masking.js';
import { isUnavailable } from '../postgres/sqlstate.js';

/** Whole paths: with wildcards, the redaction alone takes as long as writing the line. */
const SECRET_PATHS = ['', 'headers.', 'req.headers.'].flatMap((prefix) => [
  `${prefix}authorization`,
  `${prefix}cookie`,
  `${prefix.slice(0, -1)}["x-api-key"]`,
]);

/** The process's logger: JSON lines, or text for a person at a terminal in development. */
export function createLogger(
  config: Pick<Config, 'logLevel' | 'environment'>,
  output?: DestinationStream,
): Logger {
  return pino(
    {
      level: config.logLevel,
      base: undefined,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: SECRET_PATHS, censor: MASK },
      serializers: { err: describeError },
    },
    output ?? defaultOutput(config.environment),
  );
}

export interface DescribedError {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: DescribedError;
}

/**
 * An error without what drivers hang on it (statements, parameters), its passwords masked. That a server is away is told
 * by its code; the stack, the same for each job that meets it, would fill the log.
 */
export function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: maskText(String(error)) };
  return {
    type: error.name,
    message: maskText(error.message),
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack && !isUnavailable(error) ? { stack: maskText(error.stack) } : {}),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

function defaultOutput(environment: string): DestinationStream | undefined {
  if (environment !== 'development' || !process.stdout.isTTY) return undefined;
  return pinoPretty({
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'context',
    messageFormat: '{context}{msg}',
  });
}
