import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';
import { maskText } from '../../kernel/masking.js';

type Level = 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal';

/**
 * Lets Nest's loggers write to pino. A text, an error and an object of fields may come in any order:
 * `logger.error('what failed', error)` keeps the error with its stack and causes. Nest passes the context's name last.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: Level, message: unknown, rest: unknown[]): void {
    const context = rest.pop();
    const actual = level === 'info' && BOOT_CONTEXTS.has(String(context)) ? 'debug' : level;
    const line: Line = { context };
    const texts: string[] = [];
    for (const part of [message, ...rest]) {
      if (part instanceof Error) line.err = part;
      else if (typeof part === 'string') texts.push(part);
      else if (typeof part === 'object') Object.assign(line, part);
    }
    if (texts.length === 0) this.logger[actual](line);
    else this.logger[actual](line, maskText(texts.join('\n')));
  }
}

/** Nest tells of each module and each route that it sets up. */
const BOOT_CONTEXTS = new Set(['InstanceLoader', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);

interface Line {
  context: unknown;
  err?: unknown;
}
