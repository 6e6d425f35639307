#!/usr/bin/env node
// Checks and tests everything on a bare clone: `npm test`, or `npm test -- unit e2e` for some stages only.
import { prepareMachine } from './test/prepare.mjs';
import { selectStages } from './test/stages.mjs';

const stages = selectStages(process.argv.slice(2));
await prepareMachine();

const results = [];
const allFailures = [];
for (const stage of stages) {
  console.log(`\n── ${stage.name}`);
  const startedAt = performance.now();
  const { failures = [], ...counts } = await stage.run();
  results.push({ stage: stage.name, ...counts, seconds: Math.round((performance.now() - startedAt) / 1000) });
  allFailures.push(...failures);
}

// Once more at the end, where somebody looks first.
for (const failure of allFailures) console.log(`\nFailed: ${failure}`);

console.log('\nstage            passed   failed  skipped  seconds');
for (const { stage, ...columns } of results) {
  console.log(
    stage.padEnd(14) +
      Object.values(columns)
        .map((value) => String(value).padStart(9))
        .join(''),
  );
}

const sum = (column) => results.reduce((total, result) => total + result[column], 0);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') > 0 ? 1 : 0;
