import { nodeModules } from '../setup/node-modules.mjs';
import { assertNodeVersion } from '../setup/node-version.mjs';
import { fail } from '../setup/progress.mjs';
import { testPackages } from '../setup/system-packages.mjs';

/** Installs what a bare clone lacks, as `npm start` does, and what only tests need. */
export async function prepareMachine() {
  // The tests start servers of their own, whatever servers the shell's environment names.
  delete process.env.DB_HOST;
  delete process.env.REDIS_URL;
  try {
    assertNodeVersion();
    for (const requirement of [testPackages, nodeModules]) await requirement.install();
  } catch (error) {
    fail(error);
  }
}
