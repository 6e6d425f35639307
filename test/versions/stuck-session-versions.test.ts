import { rmSync } from 'node:fs';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { loginError } from '../support/sql.js';
import { createTestDirectory } from '../support/stack.js';
import { stopSession } from '../support/stopped-session.js';
import { until } from '../support/until.js';
import { openWorld } from '../support/world.js';
import { installPostgres, VERSIONS } from './postgres-binaries.js';

const directory = createTestDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each(VERSIONS)(
  'gives up to drop a database while a session does not answer on PostgreSQL %s',
  async (version) => {
    const env = { WARM_POOL_SIZE: '0' };
    const world = await openWorld({ postgresBinDir: await installPostgres(version, directory), env });
    onTestFinished(() => world.stop());
    const [bad, doomed] = [await createDatabase(world), await createDatabase(world)];
    const session = await stopSession(bad.connection_string);
    onTestFinished(() => session.goOn());

    const headers = { prefer: 'respond-async' };
    (await world.api.delete(`/api/databases/${doomed.id}`, { headers })).expect(202);

    await until('the deletion gives up for now', async () => {
      const rows = await world.control.query(
        `SELECT FROM operations WHERE kind = 'database.delete' AND error ->> 'message' LIKE '%does not answer%'`,
      );
      return rows.length > 0;
    });
    expect(await loginError(doomed.connection_string)).not.toBeNull();
    await session.goOn();
    const isGone = async () => {
      const rows = await world.server.query('SELECT FROM pg_database WHERE datname = $1', [
        doomed.database_name,
      ]);
      return rows.length === 0;
    };
    await until('the database is dropped', isGone, { timeoutMs: 60_000 });
  },
);
