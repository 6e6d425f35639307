import type { Client, Pool } from 'pg';
import { withTenant } from '../../../tenancy/pg.js';
import { LEFTOVERS, type LeakAttack, REACHES } from './leak-attacks.js';
import {
  appOf,
  asking,
  enter,
  hear,
  intrude,
  type LeakDoor,
  type LeakStage,
  type Looked,
  look,
  openPool,
  type Tried,
} from './leak-stage.js';

/** The `_app` role with `withTenant` for both. */
const appHelper: LeakDoor = {
  name: 'app_with_tenant',
  login: 'app',
  attacks: [...LEFTOVERS, ...REACHES],
  try: (stage, attack) =>
    withPool(stage, async (pool) => {
      const { a } = stage.pair;
      const tried = await withTenant(pool, a, () =>
        intrude(attack, stage, (sql) => withTenant(pool, a, (client) => asking(client)(sql))),
      );
      return { ...tried, ...(await lookWithTenant(pool, stage, attack)) };
    }),
};

/** The `_app` role where A's code has the connection for itself, without the helper, and B's uses that. */
const appSession: LeakDoor = {
  name: 'app_session',
  login: 'app',
  attacks: LEFTOVERS,
  try: (stage, attack) =>
    withPool(stage, async (pool) => {
      const client = await enter(stage, appOf(stage));
      const tried = await intrudeInSession(client, stage, attack).finally(() => client.end());
      return { ...tried, ...(await lookWithTenant(pool, stage, attack)) };
    }),
};

export const APP_DOORS = [appHelper, appSession];

/** In A's role; what PostgreSQL takes outside of a transaction only is tried there. */
async function intrudeInSession(client: Client, stage: LeakStage, attack: LeakAttack): Promise<Tried> {
  const { a } = stage.pair;
  const become = `SET LOCAL ROLE ${a}; SET LOCAL search_path = ${a}`;
  const ask = asking(client);
  if (attack.leavesOpen) {
    return intrude(attack, stage, async (sql) => (sql === 'BEGIN' ? ask(`BEGIN; ${become}`) : ask(sql)));
  }
  return intrude(attack, stage, async (sql) => {
    if (sql.startsWith('DISCARD')) return ask(sql);
    await ask(`BEGIN; ${become}`);
    return ask(sql).finally(() => ask('COMMIT'));
  });
}

/** B's visit, each statement in a savepoint, so that a refusal does not end it. */
async function lookWithTenant(pool: Pool, stage: LeakStage, attack: LeakAttack): Promise<Looked> {
  const { b } = stage.pair;
  const heard: string[] = [];
  if (attack.notifies) await stage.notify();
  const looked = await withTenant(pool, b, async (client) => {
    const told = hear(client);
    const seen = await look(attack, stage, (sql) => withTenant(pool, b, (nested) => asking(nested)(sql)));
    heard.push(...told);
    return seen;
  });
  return { ...looked, seenByB: [...looked.seenByB, ...heard] };
}

async function withPool<T>(stage: LeakStage, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = await openPool(stage, appOf(stage));
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
