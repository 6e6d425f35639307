import type { ServerConfig } from '../config/config.js';
import { CLOSE_HOST_ROLES } from '../infra/postgres/host-sql.js';
import type { PostgresAdmin } from '../infra/postgres/postgres-admin.js';
import { assertSupported } from '../infra/postgres/supported-versions.js';
import { scramVerifier } from '../kernel/scram.js';
import { BLANK_DATABASE } from './marks.js';
import {
  blankStamp,
  CLOSE_NEXT_BLANK,
  CREATE_NEXT_BLANK,
  closeDatabase,
  createPoolerLookup,
  createPoolerRole,
  DROP_FORMER_BLANK,
  DROP_NEXT_BLANK,
  FIND_BLANK_STAMP,
  FIND_FACTS,
  FIND_POOLER_ROLE,
  fillBlank,
  NEXT_BLANK_DATABASE,
  repairPoolerRole,
  swapBlank,
} from './server-preparation-sql.js';

/** Names the preparation among the advisory locks of the maintenance database. */
const LOCK_KEY = 7_264_032;
const LOCK_WAIT = '60s';

export interface PreparationOrder {
  readonly postgres: PostgresAdmin;
  readonly config: ServerConfig;
  readonly control: { readonly database: string; readonly user: string };
  /** Called before the blank database is replaced: what was copied from the present one is out of date then. */
  readonly retireCopies: () => Promise<void>;
}

export interface PostgresFacts {
  readonly serverVersionNum: number;
  readonly maxConnections: number;
  readonly reservedConnections: number;
}

/** Makes a server ready for homes; on one that is ready it only looks. Many processes may do so at once. */
export function prepareServer(order: PreparationOrder): Promise<PostgresFacts> {
  return order.postgres.transaction(async (lock) => {
    await lock.query(`SET LOCAL lock_timeout = '${LOCK_WAIT}'`);
    await lock.query(`SELECT pg_catalog.pg_advisory_xact_lock(${LOCK_KEY})`);
    const [facts] = await order.postgres.query<PostgresFacts & Record<string, unknown>>(FIND_FACTS);
    if (!facts) throw new Error('the server does not tell its settings');
    assertSupported(facts.serverVersionNum);
    order.postgres.knowVersion(facts.serverVersionNum);
    await ensurePoolerRole(order);
    await closeSharedDatabases(order);
    await ensureBlank(order);
    await order.postgres.execute(CLOSE_HOST_ROLES);
    return facts;
  });
}

async function ensurePoolerRole({ postgres, config: { pooler } }: PreparationOrder): Promise<void> {
  if (!pooler) return;
  const { authUser, authPassword } = pooler;
  const found = await postgres.find<{ verifier: string | null; usable: boolean }>(FIND_POOLER_ROLE, [
    authUser,
  ]);
  if (!found) return postgres.execute(createPoolerRole(authUser, await scramVerifier(authPassword)));
  if (found.usable && (await isVerifierOf(found.verifier, authPassword))) return;
  await postgres.execute(repairPoolerRole(authUser, await scramVerifier(authPassword)));
}

async function isVerifierOf(verifier: string | null, password: string): Promise<boolean> {
  const [, salt] = /^SCRAM-SHA-256\$4096:([^$]+)\$/.exec(verifier ?? '') ?? [];
  if (salt === undefined) return false;
  return verifier === (await scramVerifier(password, Buffer.from(salt, 'base64')));
}

/** The databases that every tenant knows by name. Other databases of the server are not Rowhouse's to change. */
async function closeSharedDatabases({ postgres, config, control }: PreparationOrder): Promise<void> {
  const poolerRole = config.pooler?.authUser;
  const pooler = poolerRole ? [poolerRole] : [];
  const owners = control.user === config.adminUser ? [] : [control.user];
  await postgres.execute(
    [
      closeDatabase('template1', []),
      closeDatabase('postgres', pooler),
      closeDatabase(control.database, [...owners, ...pooler]),
    ].join(' '),
  );
  if (!poolerRole) return;
  for (const database of ['postgres', control.database]) {
    await postgres.inDatabase(database, (client) => client.query(createPoolerLookup(poolerRole)));
  }
}

async function ensureBlank(order: PreparationOrder): Promise<void> {
  const { postgres, config } = order;
  const filling = fillBlank(config.pooler?.authUser ?? null);
  const stamp = blankStamp(filling);
  const found = await postgres.find<{ stamp: string | null }>(FIND_BLANK_STAMP);
  if (found?.stamp !== stamp) {
    await order.retireCopies();
    await buildNextBlank(postgres, filling);
    await swapInNextBlank(postgres, stamp);
  }
  await postgres.execute(DROP_FORMER_BLANK);
}

async function buildNextBlank(postgres: PostgresAdmin, filling: string): Promise<void> {
  await postgres.execute(DROP_NEXT_BLANK);
  await postgres.execute(CREATE_NEXT_BLANK);
  await postgres.execute(CLOSE_NEXT_BLANK);
  await postgres.inDatabase(NEXT_BLANK_DATABASE, (client) => client.query(filling));
}

async function swapInNextBlank(postgres: PostgresAdmin, stamp: string): Promise<void> {
  await postgres.execute(DROP_FORMER_BLANK);
  const present = await postgres.find('SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [
    BLANK_DATABASE,
  ]);
  await postgres.execute(swapBlank(stamp, present !== null));
}
