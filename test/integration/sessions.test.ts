import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ClientBase, PoolConfig } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { adminConnection } from '../../src/infra/postgres/admin-connection.js';
import { openSessionPool } from '../../src/infra/postgres/session-pool.js';
import { isSessionLost, isUnavailable } from '../../src/infra/postgres/sqlstate.js';
import { HostConnections } from '../../src/provisioning/tenancy/hosts/host-connections.js';
import { HostProvisioner } from '../../src/provisioning/tenancy/hosts/host-provisioner.js';
import { whenEnded } from '../support/login-from.js';
import { startProvisioning } from './provisioning-fixture.js';

const fixture = await startProvisioning();
const { postgres } = fixture.server;
const host = await fixture.make();
const { databaseName, username } = host;
await fixture.context.get(HostProvisioner).ensure(fixture.server, { databaseName, ownerRole: username });

/** Two statements, between which somebody ends the session. An error that nobody listens for ends the test run. */
async function loseSession(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const ended = whenEnded(client);
  await fixture.admin(`SELECT pg_terminate_backend(${rows[0]?.pid}, 5000)`);
  await ended;
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

test("a worker's verifier that the driver does not compute is replaced, as a wrong password is", async () => {
  const key = Buffer.alloc(32).toString('base64');
  await fixture.admin(
    `ALTER ROLE ${databaseName}_worker PASSWORD 'SCRAM-SHA-256$1000000:c2FsdA==$${key}:${key}'`,
  );

  const client = await fixture.context.get(HostConnections).open(fixture.server, databaseName);
  onTestFinished(() => client.end());

  const { rows } = await client.query('SELECT session_user AS login, current_user AS role');
  expect(rows).toEqual([{ login: `${databaseName}_worker`, role: `${databaseName}_provisioner` }]);
});

describe('a pool of sessions', () => {
  function openPool(options: PoolConfig) {
    const { config } = fixture;
    const target = { database: 'postgres', serverVersionNum: 0 };
    const pool = openSessionPool({
      ...adminConnection(config.server, config.caFile, target),
      max: 1,
      ...options,
    });
    onTestFinished(() => pool.end());
    return pool;
  }

  test('lets one wait for a session in use for longer than a connection may take', async () => {
    const pool = openPool({ connectionTimeoutMillis: 2_000 });

    const [, { rows }] = await Promise.all([
      pool.query('SELECT pg_sleep(3)'),
      pool.query('SELECT 1 AS answer'),
    ]);

    expect(rows).toEqual([{ answer: 1 }]);
  });

  test('gives a server up that takes connections and does not answer, as one that is away', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const { port } = mute.address() as AddressInfo;

    const error = await openPool({ host: '127.0.0.1', port, connectionTimeoutMillis: 100 })
      .query('SELECT 1')
      .catch((reason: unknown) => reason);

    expect(isUnavailable(error), String(error)).toBe(true);
  });
});

test('a ping is answered while all sessions for administration are in use', async () => {
  await postgres.ping();
  let ended = 0;
  const waitForLock = async () => {
    await postgres.query('SELECT pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1)');
    ended += 1;
  };

  await postgres.inDatabase('postgres', async (holder) => {
    await holder.query('SELECT pg_advisory_lock(1)');
    const all = Array.from({ length: 16 }, waitForLock);

    await postgres.ping();

    expect(ended).toBe(0);
    await holder.query('SELECT pg_advisory_unlock(1)');
    await Promise.all(all);
  });
});
