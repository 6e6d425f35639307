import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from './logger.js';
import { NestLogger } from './nest-logger.js';

let lines: Record<string, unknown>[];
const logger = new Logger('Test');

beforeEach(() => {
  lines = [];
  const output = { write: (line: string) => void lines.push(JSON.parse(line)) };
  Logger.overrideLogger(new NestLogger(createLogger({ logLevel: 'info', environment: 'test' }, output)));
});

afterEach(() => Logger.overrideLogger(['log', 'warn', 'error']));

test('a text becomes the message, with its context', () => {
  logger.log('hello');

  expect(lines[0]).toMatchObject({ level: 'info', context: 'Test', msg: 'hello' });
});

test('an error keeps its code, stack and causes, and loses passwords and what a driver hung on it', () => {
  const cause = Object.assign(new Error('cannot reach postgres://u:hunter2@host/db'), {
    code: '08006',
    query: 'SELECT $1',
  });

  logger.error('it failed', new Error('no way', { cause }));

  expect(lines[0]).toMatchObject({ msg: 'it failed', err: { message: 'no way', cause: { code: '08006' } } });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(JSON.stringify(lines)).not.toContain('SELECT');
});

test('that PostgreSQL is away takes no stack; another error keeps its own', () => {
  logger.warn('no server', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
  logger.warn('wrong', new Error('a mistake'));

  expect(lines[0]).toMatchObject({ err: { code: 'ECONNREFUSED' } });
  expect(lines[0]?.['err']).not.toHaveProperty('stack');
  expect(lines[1]).toMatchObject({ err: { stack: expect.stringContaining('a mistake') } });
});

test('fields may come before the text or instead of it', () => {
  logger.warn({ err: new Error('why') }, 'what');
  logger.warn({ msg: 'only fields', request_id: 'r1' });

  expect(lines[0]).toMatchObject({ msg: 'what', err: { message: 'why' } });
  expect(lines[1]).toMatchObject({ msg: 'only fields', request_id: 'r1' });
});

test('headers that hold keys are masked', () => {
  logger.log({ msg: 'x', headers: { authorization: 'Bearer s3cret', 'x-api-key': 's3cret' } });

  expect(JSON.stringify(lines)).not.toContain('s3cret');
});

test('what is below the level is not written', () => {
  logger.debug('details');

  expect(lines).toEqual([]);
});
