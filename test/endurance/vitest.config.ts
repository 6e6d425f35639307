import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

const HOURS = 60 * 60_000;

export default defineConfig({
  plugins: [swc.vite({ tsconfigFile: 'tsconfig.json', module: { type: 'nodenext' } })],
  test: {
    include: ['test/endurance/**/*.endurance.ts'],
    globalSetup: ['test/support/build-first.mjs'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    retry: 0,
    testTimeout: 6 * HOURS,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    disableConsoleIntercept: true,
  },
});
