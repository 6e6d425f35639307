import { isIP } from 'node:net';
import type { PgBouncerAdmin, PoolerClient } from '../../infra/pgbouncer/pgbouncer-admin.js';
import { isOnThisMachine } from '../../infra/postgres/entrance.js';
import { cutConnection } from '../../infra/process/cut-connection.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { ManagedServer } from '../managed-server.js';
import { pollUntil } from '../poll.js';
import { cutAlias } from '../resume-alias.js';
import type { AccessPlan } from './access-plan.js';
import { accessJudge } from './evaluate-access.js';

const PATIENCE_MS = 300;

/**
 * PgBouncer ends one client from 1.24 on. Of an older one on this machine the kernel can end the connection. What then
 * is still there goes with everybody on its alias; they come back at once, if they may.
 */
export async function sweepPooled(server: ManagedServer, plan: AccessPlan): Promise<void> {
  const { pooler } = server;
  if (!pooler) return;
  const judge = accessJudge(plan, 'pooled');
  const isIntruder = ({ addr, database, user }: PoolerClient) =>
    isIP(addr) !== 0 && !judge({ address: addr, database, role: user }).allowed;
  const intruders = (await pooler.clients()).filter(isIntruder);
  if (intruders.length === 0) return;
  const rest = await endClients(server, intruders);
  for (const alias of new Set(rest.map((client) => client.database))) await cutAlias(pooler, alias);
}

/** Ends these alone. Returns those that are still there after a moment, where there is no way to do so. */
export async function endClients(
  server: ManagedServer,
  clients: readonly PoolerClient[],
): Promise<PoolerClient[]> {
  const { pooler } = server;
  if (!pooler || clients.length === 0) return [];
  await Promise.all(clients.map((client) => endOne(server, pooler, client)));
  return findRest(pooler, clients);
}

async function endOne(
  { config, facts }: ManagedServer,
  pooler: PgBouncerAdmin,
  { id, local_port, addr, port }: PoolerClient,
): Promise<void> {
  if (facts.canKillClient && id !== undefined) return pooler.killClient(id).catch(() => {});
  if (!config.pooler || !isOnThisMachine(config.pooler)) return;
  await cutConnection({ localPort: local_port, remoteAddress: addr, remotePort: port });
}

async function findRest(pooler: PgBouncerAdmin, ended: readonly PoolerClient[]): Promise<PoolerClient[]> {
  const keys = new Set(ended.map(keyOf));
  let rest: PoolerClient[] = [];
  const areGone = async () => {
    rest = (await pooler.clients()).filter((client) => keys.has(keyOf(client)));
    return rest.length === 0;
  };
  await pollUntil(areGone, { timeoutMs: PATIENCE_MS, what: 'clients to go' }).catch(rethrowUnlessImpatient);
  return rest;
}

function keyOf({ addr, port, database, user }: PoolerClient): string {
  return [addr, port, database, user].join(' ');
}

function rethrowUnlessImpatient(error: unknown): void {
  if (!(error instanceof RowhouseError)) throw error;
}
