import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { Fleet } from '../support/migrations.js';
import { openWorld } from '../support/world.js';
import { stopwatch } from './ratio.js';

/** MIGRATION_BENCH_TENANTS makes it smaller, to try it. */
const TENANTS = Number(process.env.MIGRATION_BENCH_TENANTS ?? 1_000);
const HOSTS = 2;
export const CONNECTIONS = 4;

export interface BenchedFleet {
  readonly fleet: Fleet;
  /** One migration over all tenants over the API, in milliseconds. */
  migrate(): Promise<number>;
  /** One with nothing to do. */
  migrateNothing(): Promise<number>;
  /** The same statements from a bare loop over as many connections. */
  loop(): Promise<number>;
}

/** A thousand tenants in two hosting databases. */
export async function openFleet(): Promise<BenchedFleet> {
  const env = { WARM_POOL_SIZE: '0', TENANT_WARM_POOL_SIZE: '0' };
  const world = await openWorld({ app: 'child', durable: true, env });
  onTestFinished(() => world.stop());
  const fleet = await Fleet.create(world, Array(HOSTS).fill(TENANTS / HOSTS));
  onTestFinished(() => fleet.end());
  const clients = await connectAll(fleet);
  onTestFinished(() => Promise.all(clients.map(({ client }) => client.end())).then(() => undefined));
  let columns = 0;
  const nextColumn = () => {
    columns += 1;
    return `ALTER TABLE products ADD COLUMN c${columns} integer`;
  };
  const post = () => stopwatch(() => fleet.migrate({ strategy: { connections: CONNECTIONS } }));
  return {
    fleet,
    migrate: async () => {
      await fleet.addVersion(nextColumn());
      return post();
    },
    migrateNothing: post,
    loop: () => loop(fleet, clients, nextColumn()),
  };
}

interface BareConnection {
  readonly database: string;
  readonly client: Client;
}

function connectAll({ world, databases }: Fleet): Promise<BareConnection[]> {
  const { host, port, adminUser, adminPassword } = world.config.server;
  return Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, at) => {
      const database = databases[at % databases.length] ?? '';
      const client = new Client({ host, port, user: adminUser, password: adminPassword, database });
      await client.connect();
      return { database, client };
    }),
  );
}

function loop(fleet: Fleet, connections: readonly BareConnection[], statement: string): Promise<number> {
  const queues = new Map(
    fleet.databases.map((name) => [
      name,
      fleet.tenants.filter(({ database_name }) => database_name === name).values(),
    ]),
  );
  return stopwatch(() =>
    Promise.all(
      connections.map(async ({ database, client }) => {
        for (const { schema_name } of queues.get(database) ?? [])
          await client.query(`BEGIN; SET LOCAL search_path = ${schema_name}; ${statement}; COMMIT`);
      }),
    ),
  );
}
