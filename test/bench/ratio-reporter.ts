import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { Ratio } from './ratio.js';

/** Prints one table: what was measured, its ratio to the reference, the limit, and whether it holds. */
export class RatioReporter implements Reporter {
  onTestCaseReady(test: TestCase): void {
    console.log(`measuring: ${test.name}`);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    console.log(`\n${['what', 'measured', 'reference', 'ratio', 'limit', ''].map(pad).join('')}`);
    for (const test of tests) console.log(this.lineOf(test));
    const errors = [
      ...modules.flatMap((module) => module.errors()),
      ...tests.flatMap(errorsOf),
      ...unhandled,
    ];
    for (const { stack, message } of errors as Error[]) console.error(`\n${stack ?? message}`);
  }

  private lineOf(test: TestCase): string {
    const { ratio } = test.meta();
    if (!ratio) return `${pad(test.name, 0)}${test.result().state}`;
    const { measured, reference, unit, limit } = ratio;
    const cells = [
      test.name,
      `${measured.toFixed(1)} ${unit}`,
      `${reference.toFixed(1)} ${unit}`,
      (measured / reference).toFixed(3),
      `${limit.kind === 'at most' ? '≤' : '≥'} ${limit.value}`,
      test.result().state === 'passed' ? 'ok' : 'over',
    ];
    return cells.map(pad).join('');
  }
}

/** A ratio over its limit shows in the table; only other errors need their text. */
function errorsOf(test: TestCase): readonly unknown[] {
  return test.meta().ratio ? [] : (test.result().errors ?? []);
}

function pad(cell: string, column: number): string {
  return column === 0 ? cell.padEnd(60) : cell.padStart(14);
}

declare module 'vitest' {
  interface TaskMeta {
    ratio?: Ratio;
  }
}
