import { fileURLToPath } from 'node:url';
import swc from 'unplugin-swc';
import { defineConfig, type UserWorkspaceConfig } from 'vitest/config';

/** Nest reads the types of constructor parameters at run time, so decorators carry metadata here as in the build. */
const plugins = [swc.vite({ tsconfigFile: 'tsconfig.json', module: { type: 'nodenext' } })];

const DIST = fileURLToPath(new URL('dist/', import.meta.url));
const SECONDS = 1000;

type TestOptions = NonNullable<UserWorkspaceConfig['test']>;

/** Tests of the whole run what is shipped; to compile `src` anew for each of their files takes seconds each time. */
const BUILT = {
  alias: [{ find: /^(?:\.\.\/)+src\//, replacement: DIST }],
  globalSetup: ['test/support/build-first.mjs'],
  server: { deps: { external: [new RegExp(`^${DIST.replace(/[^\w/]/g, '\\$&')}`)] } },
} satisfies TestOptions;

function project(name: string, timeoutSeconds: number, options: TestOptions): UserWorkspaceConfig {
  return {
    plugins,
    test: {
      name,
      environment: 'node',
      testTimeout: timeoutSeconds * SECONDS,
      hookTimeout: 90 * SECONDS,
      ...options,
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
      project('unit', 5, { include: ['src/**/*.test.ts', 'test/support/**/*.test.ts'] }),
      project('integration', 60, { ...BUILT, include: ['test/integration/**/*.test.ts'] }),
      project('e2e', 60, { ...BUILT, include: ['test/e2e/**/*.test.ts'] }),
      project('versions', 120, {
        ...BUILT,
        globalSetup: [...BUILT.globalSetup, 'test/versions/postgres-binaries.ts'],
        include: ['test/versions/**/*.test.ts'],
      }),
    ],
  },
});
