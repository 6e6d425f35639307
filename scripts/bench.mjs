#!/usr/bin/env node
// Prints the ratios that Rowhouse promises: `npm run bench`, or `npm run bench create-warm reads` for some of them.
import { spawnSync } from 'node:child_process';

const steps = [
  ['npm', ['run', '--silent', 'build']],
  [
    'node_modules/.bin/vitest',
    ['run', '--config', 'test/bench/vitest.config.ts', '--root', '.', ...process.argv.slice(2)],
  ],
];

for (const [command, args] of steps) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}
