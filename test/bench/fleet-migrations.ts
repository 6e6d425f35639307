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
  let versions = 0;
  const nextVersion = () => {
    versions += 1;
    return versionSql(versions);
  };
  const post = () => stopwatch(() => fleet.migrate({ strategy: { connections: CONNECTIONS } }));
  return {
    fleet,
    migrate: async () => {
      await fleet.addVersion(nextVersion());
      return post();
    },
    migrateNothing: post,
    loop: () => loop(fleet, nextVersion()),
  };
}

/** What versions mostly do: a column and an index. */
function versionSql(number: number): string {
  return `ALTER TABLE products ADD COLUMN c${number} integer;
    CREATE INDEX products_by_c${number} ON products (c${number})`;
}

/** What a script would do: connect, go through the schemas, disconnect; no ledger, no retry, nothing to resume. */
function loop({ world, databases, tenants }: Fleet, statements: string): Promise<number> {
  const { host, port, adminUser, adminPassword } = world.config.server;
  const schemas = databases.map((name) =>
    tenants.filter(({ database_name }) => database_name === name).values(),
  );
  const work = async (at: number) => {
    const which = at % databases.length;
    const client = new Client({
      host,
      port,
      user: adminUser,
      password: adminPassword,
      database: databases[which],
    });
    await client.connect();
    for (const { schema_name } of schemas[which] ?? [])
      await client.query(`BEGIN; SET LOCAL search_path = ${schema_name}; ${statements}; COMMIT`);
    await client.end();
  };
  return stopwatch(() => Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => work(at))));
}
