import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { withTenant } from '../../src/tenancy/pg.js';
import { whenEnded } from '../support/login-from.js';
import { until } from '../support/until.js';
import { startTenancy, TENANT_A, TENANT_B } from './tenancy-fixture.js';

const tenancy = await startTenancy();
const pooled = tenancy.pool('pooled');
/** Every client of it shares one server connection, so whatever stays behind on that is met. */
const narrow = tenancy.pool('pooled', { max: 1 });

const refusal = (code: string) => expect.objectContaining({ name: 'TenancyError', code });
const readNames = async (client: ClientBase) =>
  (await client.query<{ name: string }>('SELECT name FROM products ORDER BY id')).rows.map(
    ({ name }) => name,
  );
const add = (client: ClientBase, id: number, name: string) =>
  client.query('INSERT INTO products VALUES ($1, $2)', [id, name]);

afterEach(async () => {
  for (const tenant of [TENANT_A, TENANT_B]) {
    await tenancy.provisioning.admin(
      `DELETE FROM ${tenant}.products WHERE id <> 1`,
      tenancy.host.databaseName,
    );
  }
});

describe.each(['pooled', 'direct'] as const)('through the %s port', (door) => {
  const pool = tenancy.pool(door);

  test('works as the tenant, in its schema, with nothing left of it afterwards', async () => {
    const seen = await withTenant(pool, TENANT_A, async (client) => {
      const { rows } = await client.query(
        "SELECT current_user AS role, current_setting('search_path') AS path, (SELECT string_agg(name, ',') FROM products) AS names",
      );
      return rows[0];
    });

    expect(seen).toEqual({
      role: TENANT_A,
      path: `${TENANT_A}, shared, public, pg_temp`,
      names: TENANT_A,
    });
    const { rows } = await pool.query("SELECT current_user AS role, current_setting('search_path') AS path");
    expect(rows[0]).toEqual({ role: `${tenancy.host.databaseName}_app`, path: '"$user", public' });
  });

  test('commits what the work did and gives its result', async () => {
    const result = await withTenant(pool, TENANT_A, async (client) => (await add(client, 2, 'two')).rowCount);

    expect(result).toBe(1);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A, 'two']);
  });

  test("rolls back and throws the work's own error", async () => {
    const failure = new Error('the application said no');

    const work = withTenant(pool, TENANT_A, async (client) => {
      await add(client, 2, 'two');
      throw failure;
    });

    await expect(work).rejects.toBe(failure);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('an aborted request stops its query at once and keeps nothing', async () => {
    const stop = new AbortController();
    const before = pool.totalCount;

    const work = withTenant(
      pool,
      TENANT_A,
      async (client) => {
        await add(client, 2, 'two');
        void untilOneSleeps().then(() => stop.abort());
        await client.query('SELECT pg_sleep(30)');
      },
      { signal: stop.signal },
    );

    await expect(work).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(pool.totalCount).toBe(before);
    expect(pool.idleCount).toBe(before);
    expect(await sleepers()).toEqual([]);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
    expect(await withTenant(pool, TENANT_B, readNames)).toEqual([TENANT_B]);
  });

  test('aborts at any moment keep the whole of a work or nothing of it', async () => {
    const kept: Record<string, string[]> = { [TENANT_A]: [TENANT_A], [TENANT_B]: [TENANT_B] };
    const uses = Array.from({ length: 300 }, async (_, at) => {
      const tenant = at % 2 === 0 ? TENANT_A : TENANT_B;
      const [first, second] = [`a${at}`, `b${at}`];
      const work = withTenant(
        pool,
        tenant,
        async (client) => {
          await add(client, 1_000 + at, first);
          if (at % 3 === 0) await client.query('SELECT pg_sleep(0.01)');
          await withTenant(pool, tenant, (nested) => add(nested, 2_000 + at, second));
        },
        { signal: AbortSignal.timeout(Math.floor(Math.random() * 600)) },
      );
      await work.then(
        () => kept[tenant]?.push(first, second),
        (error: Error) => expect(error.name).toBe('TimeoutError'),
      );
    });
    await Promise.all(uses);

    for (const tenant of [TENANT_A, TENANT_B]) {
      expect((await tenancy.names(tenant)).sort()).toEqual(kept[tenant]?.sort());
    }
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('many tenants at once see their own rows only', async () => {
    const uses = Array.from({ length: 200 }, async (_, at) => {
      const tenant = at % 2 === 0 ? TENANT_A : TENANT_B;
      return (await withTenant(pool, tenant, readNames)).join() === tenant;
    });

    expect(await Promise.all(uses)).toEqual(uses.map(() => true));
  });
});

async function untilOneSleeps(): Promise<void> {
  await until('a statement sleeps', async () => (await sleepers()).length > 0);
}

/** Something that happens later; `tell` says that it has. */
function event() {
  let tell: () => void = () => {};
  const happened = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { happened, tell };
}

async function sleepers(): Promise<Record<string, unknown>[]> {
  return tenancy.provisioning.admin(
    "SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
  );
}

describe('what is asked for', () => {
  test.each(['', 'Tenant_1', 'tenant"; DROP', "x'y", '0tenant', 'a'.repeat(64), null, undefined, 1])(
    'refuses %j as a tenant before anything is sent',
    async (name) => {
      await expect(withTenant(pooled, name as string, readNames)).rejects.toThrow(refusal('INVALID_TENANT'));
    },
  );

  test.each(['tenant_9999', 'postgres', 'pg_read_all_data'])(
    'refuses %s, which the login may not be',
    async (name) => {
      await expect(withTenant(narrow, name, readNames)).rejects.toThrow(refusal('UNKNOWN_TENANT'));
      expect(await withTenant(narrow, TENANT_A, readNames)).toEqual([TENANT_A]);
    },
  );

  test('takes read-only, isolation level and statement timeout, for the transaction only', async () => {
    const settings = `SELECT current_setting('transaction_read_only') AS read_only,
      current_setting('transaction_isolation') AS isolation, current_setting('statement_timeout') AS timeout`;
    const before = (await narrow.query(settings)).rows[0];

    const options = { readOnly: true, isolationLevel: 'serializable', statementTimeoutMs: 1234 } as const;
    const inside = await withTenant(
      narrow,
      TENANT_A,
      async (client) => (await client.query(settings)).rows[0],
      options,
    );

    expect(inside).toEqual({ read_only: 'on', isolation: 'serializable', timeout: '1234ms' });
    expect((await narrow.query(settings)).rows[0]).toEqual(before);
  });

  test.each([{ statementTimeoutMs: -1 }, { statementTimeoutMs: 1.5 }, { isolationLevel: 'chaos' as never }])(
    'refuses the options %j',
    async (options) => {
      await expect(withTenant(pooled, TENANT_A, readNames, options)).rejects.toThrow(
        refusal('INVALID_OPTION'),
      );
    },
  );

  test('a read-only transaction cannot write', async () => {
    const work = withTenant(pooled, TENANT_A, (client) => add(client, 2, 'two'), { readOnly: true });

    await expect(work).rejects.toThrow(expect.objectContaining({ code: '25006' }));
  });

  test("a tenant's statement cannot reach another tenant's table", async () => {
    const work = withTenant(pooled, TENANT_A, (client) => client.query(`SELECT * FROM ${TENANT_B}.products`));

    await expect(work).rejects.toThrow(expect.objectContaining({ code: '42501' }));
  });
});

describe('nested use', () => {
  test('of the same tenant is a savepoint in the same transaction', async () => {
    const ids = await withTenant(pooled, TENANT_A, async (outer) => {
      const id = async (client: ClientBase) => (await client.query('SELECT txid_current() AS id')).rows[0].id;
      return [await id(outer), await withTenant(pooled, TENANT_A, id)];
    });

    expect(ids[0]).toBe(ids[1]);
  });

  test('that fails undoes its own part only', async () => {
    await withTenant(narrow, TENANT_A, async (outer) => {
      await add(outer, 2, 'outer');
      const nested = withTenant(narrow, TENANT_A, async (client) => {
        await add(client, 3, 'nested');
        await client.query('SELECT 1/0');
      });
      await expect(nested).rejects.toThrow('division by zero');
      await withTenant(narrow, TENANT_A, (client) => add(client, 4, 'second'));
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['outer', 'second', TENANT_A]);
  });

  test('several of them at once wait for each other', async () => {
    await withTenant(narrow, TENANT_A, async () => {
      const uses = [2, 3, 4, 5].map((id) =>
        withTenant(narrow, TENANT_A, async (client) => {
          await add(client, id, `n${id}`);
          if (id === 3) throw new Error('not this one');
        }),
      );
      const outcomes = await Promise.allSettled(uses);
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'fulfilled',
      ]);
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['n2', 'n4', 'n5', TENANT_A]);
  });

  test('deep inside, with the outermost rolled back, keeps nothing', async () => {
    const work = withTenant(pooled, TENANT_A, async () => {
      await withTenant(pooled, TENANT_A, () =>
        withTenant(pooled, TENANT_A, (client) => add(client, 2, 'deep')),
      );
      throw new Error('no');
    });

    await expect(work).rejects.toThrow('no');
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('may be read-only inside one that writes, and has its own timeout', async () => {
    const timeout = async (client: ClientBase) => (await client.query('SHOW statement_timeout')).rows[0];
    const seen = await withTenant(
      pooled,
      TENANT_A,
      async (outer) => {
        const options = { readOnly: true, statementTimeoutMs: 50_000 };
        const write = withTenant(pooled, TENANT_A, (client) => add(client, 2, 'two'), options);
        await expect(write).rejects.toThrow(expect.objectContaining({ code: '25006' }));
        const inside = await withTenant(pooled, TENANT_A, timeout, options);
        await add(outer, 3, 'three');
        return [inside, await timeout(outer)];
      },
      { statementTimeoutMs: 70_000 },
    );

    expect(seen).toEqual([{ statement_timeout: '50s' }, { statement_timeout: '70s' }]);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A, 'three']);
  });

  test.each([{ isolationLevel: 'serializable' as const }, { readOnly: false }])(
    'refuses %j where the outer one says otherwise',
    async (options) => {
      const work = withTenant(pooled, TENANT_A, () => withTenant(pooled, TENANT_A, readNames, options), {
        readOnly: true,
      });

      await expect(work).rejects.toThrow(refusal('INVALID_OPTION'));
    },
  );

  test('of another tenant is refused, unless it asks for a transaction of its own', async () => {
    const seen = await withTenant(pooled, TENANT_A, async (outer) => {
      await expect(withTenant(pooled, TENANT_B, readNames)).rejects.toThrow(refusal('OTHER_TENANT'));
      const other = await withTenant(pooled, TENANT_B, readNames, { insideAnother: 'separate' });
      return [...other, ...(await readNames(outer))];
    });

    expect(seen).toEqual([TENANT_B, TENANT_A]);
  });

  test('that is aborted is undone, and the outer one goes on', async () => {
    await withTenant(pooled, TENANT_A, async (outer) => {
      const nested = withTenant(
        pooled,
        TENANT_A,
        async (client) => {
          await add(client, 2, 'nested');
          await client.query('SELECT pg_sleep(30)');
        },
        { signal: AbortSignal.timeout(100) },
      );
      await expect(nested).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
      await add(outer, 3, 'outer');
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['outer', TENANT_A]);
  });

  test('that begins after the outer one was aborted is refused, and is no transaction of its own', async () => {
    const [outer, nested] = [event(), event()];
    let late: Promise<unknown> = Promise.resolve();
    const work = withTenant(
      pooled,
      TENANT_A,
      async (client) => {
        await add(client, 2, 'two');
        await outer.happened;
        late = withTenant(pooled, TENANT_A, (inside) => add(inside, 3, 'three'));
        nested.tell();
        await late;
      },
      { signal: AbortSignal.timeout(50) },
    );

    await expect(work).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
    outer.tell();
    await nested.happened;
    await expect(late).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('that nobody awaits and that begins after the commit stands on its own', async () => {
    const commit = event();
    const late = await withTenant(pooled, TENANT_A, async (client) => {
      await add(client, 2, 'two');
      return [commit.happened.then(() => withTenant(pooled, TENANT_B, readNames))];
    });
    commit.tell();

    expect(await late[0]).toEqual([TENANT_B]);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A, 'two']);
  });

  test('that runs on when the outer one is aborted changes nothing any more', async () => {
    const stop = new AbortController();
    const [outer, attempt] = [event(), event()];
    let afterwards: Promise<unknown> = Promise.resolve();

    const work = withTenant(
      narrow,
      TENANT_A,
      () =>
        withTenant(narrow, TENANT_A, async (client) => {
          await add(client, 2, 'two');
          stop.abort();
          await outer.happened;
          afterwards = add(client, 3, 'three');
          attempt.tell();
          await afterwards.catch(() => {});
        }),
      { signal: stop.signal },
    );

    await expect(work).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    outer.tell();
    expect(await withTenant(narrow, TENANT_B, readNames)).toEqual([TENANT_B]);
    await attempt.happened;
    await expect(afterwards).rejects.toThrow();
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });
});

describe('mistakes of the work', () => {
  test('a query that nobody awaited rolls everything back', async () => {
    const work = withTenant(narrow, TENANT_A, async (client) => {
      await add(client, 2, 'two');
      void client.query('SELECT pg_sleep(5)');
    });

    await expect(work).rejects.toThrow(refusal('UNFINISHED_QUERY'));
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('a nested use that nobody awaited rolls everything back', async () => {
    let nested: Promise<unknown> = Promise.resolve();
    const work = withTenant(narrow, TENANT_A, async () => {
      nested = withTenant(narrow, TENANT_A, async (client) => {
        await add(client, 2, 'two');
        await client.query('SELECT pg_sleep(5)');
      });
      nested.catch(() => {});
    });

    await expect(work).rejects.toThrow(refusal('UNFINISHED_QUERY'));
    await expect(nested).rejects.toThrow();
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('a client that was kept is refused, also with a callback', async () => {
    const kept = await withTenant(narrow, TENANT_A, async (client) => client);

    await expect(kept.query('SELECT 1')).rejects.toThrow(refusal('TRANSACTION_ENDED'));
    const error = await new Promise((resolve) => kept.query('SELECT 1', resolve));
    expect(error).toEqual(refusal('TRANSACTION_ENDED'));
  });

  test('a callback query works inside', async () => {
    const count = await withTenant(
      pooled,
      TENANT_A,
      (client) =>
        new Promise((resolve, reject) => {
          client.query('SELECT count(*)::int AS n FROM products WHERE id = $1', [1], (error, result) =>
            error ? reject(error) : resolve(result.rows[0].n),
          );
        }),
    );

    expect(count).toBe(1);
  });

  test.each(['COMMIT', 'SELECT 1; ROLLBACK; SELECT 2', 'SET ROLE tenant_0002', 'SET search_path = public'])(
    'refuses %s and can go on',
    async (sql) => {
      const names = await withTenant(pooled, TENANT_A, async (client) => {
        await expect(client.query(sql)).rejects.toThrow(refusal('STATEMENT_REFUSED'));
        await expect(client.query({ text: sql })).rejects.toThrow(refusal('STATEMENT_REFUSED'));
        return readNames(client);
      });

      expect(names).toEqual([TENANT_A]);
    },
  );

  test('release() and end() are not for the work', async () => {
    await withTenant(pooled, TENANT_A, async (client) => {
      const { release, end } = client as unknown as Record<'release' | 'end', () => void>;
      expect(() => release()).toThrow(refusal('STATEMENT_REFUSED'));
      expect(() => end()).toThrow(refusal('STATEMENT_REFUSED'));
    });
  });

  test('a swallowed error is no success: COMMIT would roll back', async () => {
    const work = withTenant(narrow, TENANT_A, async (client) => {
      await add(client, 2, 'two');
      await client.query('SELECT 1/0').catch(() => {});
      return 'done';
    });

    await expect(work).rejects.toThrow(refusal('ROLLED_BACK'));
    expect(await withTenant(narrow, TENANT_A, readNames)).toEqual([TENANT_A]);
  });

  test('a constraint that fails at COMMIT is the error, and the connection is good', async () => {
    const work = withTenant(narrow, TENANT_A, (client) => add(client, 2, TENANT_A));

    await expect(work).rejects.toThrow(expect.objectContaining({ code: '23505' }));
    expect(narrow.totalCount).toBe(1);
    expect(await withTenant(narrow, TENANT_A, readNames)).toEqual([TENANT_A]);
  });
});

describe('what goes wrong around it', () => {
  test('a pool that is full can be given up', async () => {
    const end = event();
    const hold = withTenant(narrow, TENANT_A, () => end.happened);

    const waiting = withTenant(narrow, TENANT_B, readNames, { signal: AbortSignal.timeout(100) });

    await expect(waiting).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
    end.tell();
    await hold;
    expect(narrow.waitingCount).toBe(0);
    expect(await withTenant(narrow, TENANT_B, readNames)).toEqual([TENANT_B]);
  });

  test('an aborted signal asks for nothing', async () => {
    await expect(withTenant(narrow, TENANT_A, readNames, { signal: AbortSignal.abort() })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
  });

  test('work that waits for something else when it is aborted does not hold the connection', async () => {
    const work = withTenant(narrow, TENANT_A, () => pause(60_000, undefined, { ref: false }), {
      signal: AbortSignal.timeout(50),
    });

    await expect(work).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
    expect(await withTenant(narrow, TENANT_B, readNames)).toEqual([TENANT_B]);
  });

  test('a statement that catches its cancellation is cut off with its connection', async () => {
    const stubborn = `DO $$ BEGIN LOOP
      BEGIN PERFORM pg_sleep(5); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`;
    const pool = tenancy.pool('pooled', { max: 1 });
    const stop = new AbortController();

    const work = withTenant(pool, TENANT_A, (client) => client.query(stubborn), { signal: stop.signal });
    void untilOneSleeps().then(() => stop.abort());

    await expect(work).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(pool.totalCount).toBe(0);
    await tenancy.provisioning.admin(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %query_canceled%'",
    );
    expect(await withTenant(pool, TENANT_B, readNames)).toEqual([TENANT_B]);
  });

  test.each(['idle', 'busy'] as const)(
    'a connection that breaks while %s ends with an error and is not used again',
    async (when) => {
      const pool = tenancy.pool('direct', { max: 1 });

      const work = withTenant(pool, TENANT_A, async (client) => {
        await add(client, 2, 'two');
        const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
        const kill = () => tenancy.provisioning.admin(`SELECT pg_terminate_backend(${rows[0].pid})`);
        if (when === 'idle') await Promise.all([whenEnded(client), kill()]);
        else await Promise.all([client.query('SELECT pg_sleep(30)'), untilOneSleeps().then(kill)]);
      });

      await expect(work).rejects.toThrow();
      expect(pool.totalCount).toBe(0);
      expect(await withTenant(pool, TENANT_A, readNames)).toEqual([TENANT_A]);
    },
  );
});

describe('what others left behind on the connection', () => {
  const databaseName = tenancy.host.databaseName;

  test.each([
    ['a session search_path', `SET search_path = ${TENANT_A}`],
    ['a session role', `SET ROLE ${TENANT_A}`],
    ['a cursor WITH HOLD', 'DECLARE leftover CURSOR WITH HOLD FOR SELECT name FROM products'],
    ['a temporary table', 'CREATE TEMP TABLE leftover AS SELECT name FROM products'],
    ['a prepared statement', 'PREPARE leftover AS SELECT name FROM products'],
  ])('%s shows no rows of another tenant', async (_, statement) => {
    const dirty = await narrow.connect();
    await dirty.query(`BEGIN; SET LOCAL ROLE ${TENANT_A}; SET LOCAL search_path = ${TENANT_A}`);
    const { rows: before } = await dirty.query('SELECT pg_backend_pid() AS pid');
    await dirty.query(`${statement}; COMMIT`);
    dirty.release();

    const peeks = ['FETCH ALL FROM leftover', 'SELECT * FROM pg_temp.leftover', 'EXECUTE leftover'];
    const seen = await withTenant(narrow, TENANT_B, async (client) => {
      const { rows: after } = await client.query('SELECT pg_backend_pid() AS pid');
      const found: unknown[] = [await readNames(client)];
      for (const peek of peeks) {
        await client.query('SAVEPOINT peek');
        const rows = await client.query(peek).then(
          (result) => result.rows.map((row) => row.name),
          () => client.query('ROLLBACK TO peek').then(() => []),
        );
        found.push(rows);
      }
      return { same: before[0].pid === after[0].pid, found: found.flat() };
    });

    expect(seen.same).toBe(true);
    expect(new Set(seen.found)).toEqual(new Set([TENANT_B]));
    await narrow.query('DISCARD ALL');
  });

  test('LISTEN brings no notification of another tenant', async () => {
    const dirty = await narrow.connect();
    await dirty.query('LISTEN leftover');
    dirty.release();
    const heard: unknown[] = [];
    const { adminUser: user, adminPassword: password } = tenancy.provisioning.config.server;
    const witness = await tenancy.provisioning.connect('direct', { user, password, database: databaseName });
    await witness.query('LISTEN leftover');

    await withTenant(narrow, TENANT_B, async (client) => {
      client.on('notification', (message) => heard.push(message));
      const delivered = once(witness, 'notification');
      await tenancy.provisioning.admin("NOTIFY leftover, 'secret'", databaseName);
      await delivered;
      await readNames(client);
    });
    await withTenant(narrow, TENANT_B, readNames);
    await witness.end();

    expect(heard).toEqual([]);
    await until(
      'nobody listens',
      async () => (await narrow.query('SELECT pg_listening_channels()')).rowCount === 0,
    );
  });
});
