import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { expect, test } from 'vitest';
import { isSessionLost } from '../../src/infra/postgres/sqlstate.js';
import { HostConnections } from '../../src/provisioning/tenancy/hosts/host-connections.js';
import { HostProvisioner } from '../../src/provisioning/tenancy/hosts/host-provisioner.js';
import { startProvisioning } from './provisioning-fixture.js';

const fixture = await startProvisioning();
const { postgres } = fixture.server;
const host = await fixture.make();
const { databaseName, username } = host;
await fixture.context.get(HostProvisioner).ensure(fixture.server, { databaseName, ownerRole: username });

/** Two statements, between which somebody ends the session. An error that nobody listens for ends the test run. */
async function loseSession(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await fixture.admin(`SELECT pg_terminate_backend(${rows[0]?.pid}, 5000)`);
  await pause(100);
  await client.query('SELECT 1');
}

test.each<[string, () => Promise<unknown>]>([
  ['the maintenance database', () => postgres.transaction(loseSession)],
  ['another database', () => postgres.inDatabase(databaseName, loseSession)],
  [
    'a hosting database',
    () => fixture.context.get(HostConnections).use(fixture.server, databaseName, loseSession),
  ],
  [
    'the control database',
    () =>
      fixture.control.transaction(async (tx) => {
        const client: ClientBase = await tx.queryRunner?.connect();
        await loseSession(client);
      }),
  ],
])('a session in %s that ends between two statements fails its own work only', async (_, work) => {
  const error = await work().catch((reason: unknown) => reason);

  expect(isSessionLost(error), String(error)).toBe(true);

  await postgres.ping();
});
