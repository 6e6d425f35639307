import type { Client } from 'pg';
import { runStatement } from '../../../infra/postgres/statement/statement-run.js';
import { StatementSession } from '../../../infra/postgres/statement/statement-session.js';
import { LEFTOVERS, REACHES, WRITES } from './leak-attacks.js';
import {
  type Ask,
  asking,
  enter,
  hear,
  intrude,
  type LeakDoor,
  type LeakLogin,
  type LeakStage,
  look,
} from './leak-stage.js';

/** Each tenant's own login, through the pooler. */
const ownLogin: LeakDoor = {
  name: 'own_login',
  login: 'own',
  attacks: [...LEFTOVERS, ...REACHES],
  try: (stage, attack) =>
    withBoth(stage, [stage.a, stage.b], async (a, b) => {
      const heard = hear(b);
      const tried = await intrude(attack, stage, asking(a));
      await a.end();
      if (attack.notifies) await stage.notify();
      const looked = await look(attack, stage, asking(b));
      return { ...tried, ...looked, seenByB: [...looked.seenByB, ...heard] };
    }),
};

/** One statement a request, each in a session of its own, as POST /api/tenants/:id/sql runs them. */
const sqlEndpoint: LeakDoor = {
  name: 'sql_endpoint',
  login: 'own',
  attacks: [...LEFTOVERS, ...REACHES],
  try: async (stage, attack) => {
    const tried = await intrude(attack, stage, askingAlone(stage, stage.a));
    return { ...tried, ...(await look(attack, stage, askingAlone(stage, stage.b))) };
  },
};

/** The host's `_readonly` role, which sees every tenant's rows: the question is whether it can change one. */
const readonlyLogin: LeakDoor = {
  name: 'readonly_login',
  login: 'readonly',
  attacks: WRITES,
  try: (stage, attack) =>
    withBoth(stage, [stage.readonly ?? stage.a, stage.b], async (a, b) => {
      const tried = await intrude(attack, stage, async (sql) => {
        await a.query('BEGIN READ WRITE');
        return asking(a)(sql).then(
          (values) => a.query('COMMIT').then(() => values),
          (error: unknown) => a.query('ROLLBACK').then(() => Promise.reject(error)),
        );
      });
      await a.end();
      return { ...tried, ...(await look(attack, stage, asking(b))) };
    }),
};

export const LOGIN_DOORS = [ownLogin, sqlEndpoint, readonlyLogin];

/** Both are logged in before the first of them begins. */
async function withBoth<T>(
  stage: LeakStage,
  [first, second]: readonly [LeakLogin, LeakLogin],
  work: (a: Client, b: Client) => Promise<T>,
): Promise<T> {
  const a = await enter(stage, first);
  try {
    const b = await enter(stage, second);
    return await work(a, b).finally(() => b.end());
  } finally {
    await a.end();
  }
}

function askingAlone({ direct }: LeakStage, login: LeakLogin): Ask {
  return async (sql) => {
    const session = await StatementSession.open(direct(login));
    try {
      const limits = { parameters: [], readOnly: false, maxRows: 10, maxBytes: 10_000 };
      const { rows } = await runStatement(session, { sql, ...limits });
      return rows.flat().map(String);
    } finally {
      await session.close();
    }
  };
}
