import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished, test } from 'vitest';
import { findFreePort } from '../../src/infra/process/ports.js';
import { createDatabase } from '../support/databases.js';
import { startWorld, type World } from '../support/world.js';
import { untilQuiet } from './creates.js';
import { measureLoad } from './load.js';
import { assertRatio, median } from './ratio.js';

const ROUNDS = 5;
const SECONDS = 4;
const BARE_ROUTE = fileURLToPath(new URL('./bare-route.mjs', import.meta.url));

const world = await startWorld({ app: 'child' });

test('authenticated GET /api/databases/:id against a bare Fastify route', async (context) => {
  const { id } = await createDatabase(world);
  await untilQuiet(world);
  const path = `/api/databases/${id}`;
  const bareUrl = await startBareRoute(world);
  const headers = { 'x-api-key': world.config.apiKey ?? '' };
  await measureLoad(world.app.url + path, { seconds: 1, headers });
  await measureLoad(bareUrl + path, { seconds: 1 });

  const measured: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    measured.push(await measureLoad(world.app.url + path, { seconds: SECONDS, headers }));
    reference.push(await measureLoad(bareUrl + path, { seconds: SECONDS }));
  }

  assertRatio(context, {
    measured: median(measured),
    reference: median(reference),
    unit: 'req/s',
    limit: { kind: 'at least', value: 0.6 },
  });
});

/** The same number of connections to the control database, by the same way as the API's. */
async function startBareRoute({ config: { control } }: World): Promise<string> {
  const { host, port, user, password, database, poolSize } = control;
  const listenPort = await findFreePort();
  const child = fork(BARE_ROUTE, {
    env: {
      ...process.env,
      PORT: String(listenPort),
      POOL: JSON.stringify({ host, port, user, password, database, max: poolSize }),
    },
  });
  onTestFinished(() => {
    child.kill();
  });
  await once(child, 'message');
  return `http://127.0.0.1:${listenPort}`;
}
