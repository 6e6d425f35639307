import { buildWhenStale } from '../setup/build.mjs';
import { runVisibly } from './run-visibly.mjs';
import { runVitest } from './run-vitest.mjs';

const bin = (name) => `node_modules/.bin/${name}`;

/** Counts as one, passed or failed. */
const check = (name, command, ...args) => ({ name, run: () => countOnce(() => runVisibly(command, args)) });

/** Counts as many as vitest does. */
const tests = (project) => ({ name: project, run: () => runVitest(project) });

/** In the order in which a mistake is cheapest to find; the build comes first, since later stages run what it made. */
const STAGES = [
  { name: 'build', run: () => countOnce(buildSucceeds) },
  check('format-lint', bin('biome'), 'check', '--error-on-warnings'),
  check('types', bin('tsc'), '--noEmit'),
  check('layers', bin('depcruise'), 'src', 'test', '--config', '.dependency-cruiser.cjs'),
  check('openapi-drift', process.execPath, 'scripts/test/openapi-drift.mjs'),
  check('openapi-lint', bin('redocly'), 'lint', 'openapi.yaml'),
  tests('unit'),
  tests('integration'),
  tests('e2e'),
  tests('versions'),
];

/** All stages, or those that are named. */
export function selectStages(names) {
  const unknown = names.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    const known = STAGES.map((stage) => stage.name).join(', ');
    console.error(`No such stage: ${unknown.join(', ')}. There are: ${known}`);
    process.exit(2);
  }
  return names.length === 0 ? STAGES : STAGES.filter((stage) => names.includes(stage.name));
}

async function countOnce(work) {
  const succeeded = await work();
  return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
}

async function buildSucceeds() {
  try {
    await buildWhenStale();
    return true;
  } catch (error) {
    console.error([error.message, ...(error.output ?? [])].join('\n'));
    return false;
  }
}
