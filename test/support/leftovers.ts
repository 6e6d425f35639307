import { isDeepStrictEqual } from 'node:util';
import { until } from './until.js';
import type { World } from './world.js';

/** Where a managed database leaves traces, by name, without those of the warm stock. */
export interface Leftovers {
  databases: string[];
  roles: string[];
  aliases: string[];
  controlRows: string[];
  openOperations: string[];
}

export const NOTHING: Leftovers = {
  databases: [],
  roles: [],
  aliases: [],
  controlRows: [],
  openOperations: [],
};

const SERVER_NAMES = `
  SELECT datname AS name FROM pg_catalog.pg_database WHERE datname ~ '^tenant_'
  UNION ALL SELECT rolname FROM pg_catalog.pg_roles WHERE rolname ~ '^user_'`;

const CONTROL_NAMES = `
  SELECT database_name AS name FROM databases
  UNION ALL SELECT kind FROM operations WHERE state IN ('pending', 'running')`;

/** What of managed databases exists on the server, in PgBouncer and in the control database. */
export async function findLeftovers(world: World): Promise<Leftovers> {
  const onServer = await namesOf(world.server, SERVER_NAMES);
  const inPooler = await namesOf(world.pooler, 'SHOW DATABASES');
  const inControl = await namesOf(world.control, CONTROL_NAMES);
  const stock = new Set(await namesOf(world.control, WARM_NAMES));
  const unknown = (names: readonly string[], prefix: string) =>
    names.filter((name) => name.startsWith(prefix) && !stock.has(name));
  return {
    databases: unknown(onServer, 'tenant_'),
    roles: unknown(onServer, 'user_'),
    aliases: unknown(inPooler, 'tenant_'),
    controlRows: unknown(inControl, 'tenant_'),
    openOperations: inControl.filter((name) => !name.startsWith('tenant_')),
  };
}

/** Read last, so that a home that was finished in between counts as stock. */
const WARM_NAMES = `
  SELECT database_name AS name FROM warm_databases
  UNION ALL SELECT username FROM warm_databases`;

/** Waits until no operation is under way any more. */
export async function untilIdle(world: World): Promise<void> {
  await until('no operation is under way', async () => {
    const { openOperations } = await findLeftovers(world);
    return openOperations.length === 0;
  });
}

/** Waits for work in the background to end, and throws with what is still there. */
export async function untilNothingIsLeft(world: World): Promise<void> {
  await until('nothing is left', async () => {
    const leftovers = await findLeftovers(world);
    if (!isDeepStrictEqual(leftovers, NOTHING)) throw new Error(JSON.stringify(leftovers));
    return true;
  });
}

async function namesOf(session: World['server'], sql: string): Promise<string[]> {
  return (await session.query<{ name: string }>(sql)).map((row) => row.name);
}
