import { relative } from 'node:path';

const SHOWN = 10;

/** Prints where the time goes: set-up (imports, and the servers that a file starts at its top) against tests. */
export default class SlowestFiles {
  onTestRunEnd(modules) {
    const files = modules.map((module) => {
      const { collectDuration, setupDuration, prepareDuration, environmentSetupDuration, duration } =
        module.diagnostic();
      const setup = collectDuration + setupDuration + prepareDuration + environmentSetupDuration;
      return { name: relative(process.cwd(), module.moduleId), setup, tests: duration };
    });
    const sum = (part) => files.reduce((total, file) => total + file[part], 0);
    const slowest = files.toSorted((a, b) => b.setup + b.tests - a.setup - a.tests).slice(0, SHOWN);
    console.log(`\n${'slowest files'.padEnd(56)}${'set-up s'.padStart(10)}${'tests s'.padStart(10)}`);
    for (const file of slowest) console.log(lineOf(file));
    console.log(lineOf({ name: `all ${files.length}`, setup: sum('setup'), tests: sum('tests') }));
  }
}

function lineOf({ name, setup, tests }) {
  const seconds = (ms) => (ms / 1000).toFixed(1).padStart(10);
  return name.padEnd(56) + seconds(setup) + seconds(tests);
}
