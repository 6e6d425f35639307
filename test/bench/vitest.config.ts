import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';
import { RatioReporter } from './ratio-reporter.js';

const MINUTES = 60_000;

/** One file after the other: a measurement shares the machine with nobody. */
export default defineConfig({
  plugins: [swc.vite({ tsconfigFile: 'tsconfig.json', module: { type: 'nodenext' } })],
  test: {
    include: ['test/bench/**/*.bench.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    retry: 0,
    testTimeout: 40 * MINUTES,
    hookTimeout: 2 * MINUTES,
    reporters: [new RatioReporter()],
  },
});
