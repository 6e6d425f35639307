import { readFileSync, rmSync } from 'node:fs';
import { runVisibly } from './run-visibly.mjs';

/** Runs the tests of one vitest project, and counts them. */
export async function runVitest(project) {
  const report = `node_modules/.cache/vitest-${project}.json`;
  rmSync(report, { force: true });
  const succeeded = await runVisibly('node_modules/.bin/vitest', [
    ...['run', '--project', project],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ]);
  const counts = readCounts(report);
  // A file that does not load, or an error outside of any test, fails the run without failing a test.
  if (!succeeded && counts.failed === 0) return { ...counts, failed: 1 };
  return counts;
}

function readCounts(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
