import { readFileSync, rmSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { runVisibly } from './run-visibly.mjs';

const MESSAGE_LINES = 12;

/** Runs the tests of one vitest project; counts them, and names those that failed. */
export async function runVitest(project) {
  const file = `node_modules/.cache/vitest-${project}.json`;
  rmSync(file, { force: true });
  const succeeded = await runVisibly('node_modules/.bin/vitest', [
    ...['run', '--project', project],
    ...['--reporter=default', '--reporter=./scripts/test/slowest-files.mjs'],
    ...['--reporter=json', `--outputFile.json=${file}`],
  ]);
  const report = readReport(file);
  const counts = countTests(report);
  const failures = report.testResults.flatMap(describeFailures);
  if (succeeded || failures.length > 0)
    return { ...counts, failed: Math.max(counts.failed, failures.length), failures };
  return { ...counts, failed: 1, failures: [`${project}: an error outside of any test, shown where it ran`] };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {
      numPassedTests: 0,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      testResults: [],
    };
  }
}

function countTests({ numPassedTests, numFailedTests, numPendingTests, numTodoTests }) {
  return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
}

function describeFailures({ name, status, message, assertionResults }) {
  if (status !== 'failed') return [];
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0) return [describeFailure(name, [message])];
  return failed.map((test) => describeFailure(`${name} > ${test.fullName}`, test.failureMessages));
}

function describeFailure(title, messages) {
  const lines = stripVTControlCharacters(messages.join('\n')).split('\n').slice(0, MESSAGE_LINES);
  return [title, ...lines.map((line) => `    ${line}`)].join('\n');
}
