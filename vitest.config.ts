import swc from 'unplugin-swc';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

/** Nest reads the types of constructor parameters at run time, so decorators carry metadata here as in the build. */
const plugins = [swc.vite({ tsconfigFile: 'tsconfig.json', module: { type: 'nodenext' } })];

const SECONDS = 1000;

function project(name: string, include: string[], timeoutSeconds: number): TestProjectConfiguration {
  return {
    plugins,
    test: {
      name,
      include,
      environment: 'node',
      testTimeout: timeoutSeconds * SECONDS,
      hookTimeout: 90 * SECONDS,
    },
  };
}

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    retry: 0,
    passWithNoTests: false,
    allowOnly: false,
    teardownTimeout: 30 * SECONDS,
    projects: [
      project('unit', ['src/**/*.test.ts', 'test/support/**/*.test.ts'], 5),
      project('integration', ['test/integration/**/*.test.ts'], 60),
      project('e2e', ['test/e2e/**/*.test.ts'], 60),
      project('versions', ['test/versions/**/*.test.ts'], 120),
    ],
  },
});
