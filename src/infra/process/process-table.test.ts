import { expect, test } from 'vitest';
import { findProcessesIn, isRunning, parseLsof, parseStat, processIdentity } from './process-table.js';

test('reads a process whose name has brackets and spaces', () => {
  const stat = `42 (a) b (c) S 1 ${'0 '.repeat(17)}12345 0`;

  expect(parseStat(stat)).toEqual({ state: 'S', startTicks: '12345' });
});

test('reads the working directories that lsof lists', () => {
  const output = 'p10\ncpostgres\nfcwd\nn/data/postgres\np11\ncredis-server\nfcwd\nn/data with space/redis\n';

  expect(parseLsof(output)).toEqual([
    { pid: 10, program: 'postgres', directory: '/data/postgres' },
    { pid: 11, program: 'redis-server', directory: '/data with space/redis' },
  ]);
});

test('knows this process, by its directory and by its identity', () => {
  expect(findProcessesIn(process.cwd(), ['node'])).toContain(process.pid);
  expect(findProcessesIn(process.cwd(), ['postgres'])).not.toContain(process.pid);
  expect(processIdentity(process.pid)).toBe(processIdentity(process.pid));
  expect(isRunning(process.pid)).toBe(true);
  expect(isRunning(2 ** 22 + 1)).toBe(false);
});
