import {
  Column,
  DataSource,
  Entity,
  type EntitySubscriberInterface,
  EventSubscriber,
  PrimaryColumn,
} from 'typeorm';
import { afterAll, afterEach, expect, test } from 'vitest';
import { withTenantManager } from '../../src/tenancy/typeorm.js';
import { until } from '../support/until.js';
import { startTenancy, TENANT_A, TENANT_B } from './tenancy-fixture.js';

@Entity('products')
class Product {
  @PrimaryColumn('integer')
  id!: number;

  @Column('text')
  name!: string;
}

const told: string[] = [];

@EventSubscriber()
class Watcher implements EntitySubscriberInterface {
  beforeTransactionCommit(): void {
    told.push('before');
  }

  afterTransactionCommit(): void {
    told.push('after');
  }
}

const tenancy = await startTenancy();
const { databaseName } = tenancy.host;
const dataSource = await new DataSource({
  type: 'postgres',
  ...tenancy.endpoint('pooled'),
  username: `${databaseName}_app`,
  password: tenancy.passwords.app,
  database: databaseName,
  entities: [Product],
  subscribers: [Watcher],
  poolSize: 2,
}).initialize();
afterAll(() => dataSource.destroy());
afterEach(async () => {
  for (const tenant of [TENANT_A, TENANT_B]) {
    await tenancy.provisioning.admin(`DELETE FROM ${tenant}.products WHERE id <> 1`, databaseName);
  }
});

const refusal = (code: string) => expect.objectContaining({ name: 'TenancyError', code });
const pool = () =>
  (dataSource.driver as unknown as { master: { idleCount: number; totalCount: number } }).master;

test("a repository means the tenant's own table", async () => {
  for (const tenant of [TENANT_A, TENANT_B]) {
    const found = await withTenantManager(dataSource, tenant, (manager) =>
      manager.getRepository(Product).find(),
    );
    expect(found).toEqual([{ id: 1, name: tenant }]);
  }
});

test('save is part of the transaction, and its subscribers hear of the commit', async () => {
  told.length = 0;
  await withTenantManager(dataSource, TENANT_A, async (manager) => {
    await manager.save(Product, { id: 2, name: 'two' });
    await manager.save([manager.create(Product, { id: 3, name: 'three' })]);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A, 'three', 'two']);
  expect(told).toEqual(['before', 'after']);
});

test('an error undoes what was saved, and the connection goes back', async () => {
  const work = withTenantManager(dataSource, TENANT_A, async (manager) => {
    await manager.save(Product, { id: 2, name: 'two' });
    throw new Error('no');
  });

  await expect(work).rejects.toThrow('no');
  expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  expect(pool().idleCount).toBe(pool().totalCount);
});

test("TypeORM's own transactions and nested uses are savepoints", async () => {
  await withTenantManager(dataSource, TENANT_A, async (manager) => {
    await manager.transaction(async (inner) => {
      await inner.save(Product, { id: 2, name: 'two' });
    });
    const failing = manager.transaction(async (inner) => {
      await inner.save(Product, { id: 3, name: 'three' });
      throw new Error('not this one');
    });
    await expect(failing).rejects.toThrow('not this one');
    const nested = withTenantManager(dataSource, TENANT_A, async (inner) => {
      await inner.transaction((deep) => deep.save(Product, { id: 4, name: 'four' }));
      throw new Error('nor this one');
    });
    await expect(nested).rejects.toThrow('nor this one');
    await withTenantManager(dataSource, TENANT_A, (inner) => inner.save(Product, { id: 5, name: 'five' }));
    await manager.save(Product, { id: 6, name: 'six' });
  });

  expect(await tenancy.names(TENANT_A)).toEqual(['five', 'six', TENANT_A, 'two']);
});

test('another tenant inside is refused', async () => {
  const work = withTenantManager(dataSource, TENANT_A, () =>
    withTenantManager(dataSource, TENANT_B, (manager) => manager.find(Product)),
  );

  await expect(work).rejects.toThrow(refusal('OTHER_TENANT'));
});

test('the manager ends with its transaction', async () => {
  const kept = await withTenantManager(dataSource, TENANT_A, async (manager) => manager);

  await expect(kept.find(Product)).rejects.toThrow('released');
});

test.each(['COMMIT', 'SET search_path = public', `SET ROLE ${TENANT_B}`])('refuses %s', async (sql) => {
  const work = withTenantManager(dataSource, TENANT_A, (manager) => manager.query(sql));

  await expect(work).rejects.toThrow(expect.objectContaining({ driverError: refusal('STATEMENT_REFUSED') }));
});

test('the runner cannot end the transaction by itself', async () => {
  const seen = await withTenantManager(dataSource, TENANT_A, async (manager) => {
    const runner = manager.queryRunner;
    await expect(runner?.commitTransaction()).rejects.toThrow();
    await expect(runner?.release()).rejects.toThrow(refusal('STATEMENT_REFUSED'));
    return manager.find(Product);
  });

  expect(seen).toEqual([{ id: 1, name: TENANT_A }]);
});

test('a swallowed error is no success', async () => {
  const work = withTenantManager(dataSource, TENANT_A, async (manager) => {
    await manager.save(Product, { id: 2, name: 'two' });
    await manager.query('SELECT 1/0').catch(() => {});
  });

  await expect(work).rejects.toThrow(refusal('ROLLED_BACK'));
  expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
});

async function untilOneSleeps(): Promise<void> {
  const sleeping = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'";
  await until('a statement sleeps', async () => (await tenancy.provisioning.admin(sleeping)).length > 0);
}

test('a query that nobody awaited rolls everything back', async () => {
  const work = withTenantManager(dataSource, TENANT_A, async (manager) => {
    await manager.save(Product, { id: 2, name: 'two' });
    manager.query('SELECT pg_sleep(5)').catch(() => {});
    await untilOneSleeps();
  });

  await expect(work).rejects.toThrow(refusal('UNFINISHED_QUERY'));
  expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
});

test('an aborted request stops its query and keeps nothing', async () => {
  const work = withTenantManager(
    dataSource,
    TENANT_A,
    async (manager) => {
      await manager.save(Product, { id: 2, name: 'two' });
      await manager.query('SELECT pg_sleep(30)');
    },
    { signal: AbortSignal.timeout(150) },
  );

  await expect(work).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
  expect(pool().idleCount).toBe(pool().totalCount);
  expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
});

test('a pool that is full can be given up, and serves others afterwards', async () => {
  let release: () => void = () => {};
  const end = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding = Array.from({ length: 2 }, () => withTenantManager(dataSource, TENANT_A, () => end));

  const waiting = withTenantManager(dataSource, TENANT_B, (manager) => manager.find(Product), {
    signal: AbortSignal.timeout(50),
  });

  await expect(waiting).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
  release();
  await Promise.all(holding);
  expect(await withTenantManager(dataSource, TENANT_B, (manager) => manager.count(Product))).toBe(1);
});

test('a connection that breaks leaves the pool', async () => {
  const work = withTenantManager(dataSource, TENANT_A, async (manager) => {
    const [{ pid }] = await manager.query('SELECT pg_backend_pid() AS pid');
    const kill = () => tenancy.provisioning.admin(`SELECT pg_terminate_backend(${pid})`);
    await Promise.all([manager.query('SELECT pg_sleep(30)'), untilOneSleeps().then(kill)]);
  });

  await expect(work).rejects.toThrow();
  expect(await withTenantManager(dataSource, TENANT_A, (manager) => manager.count(Product))).toBe(1);
});

test('many tenants at once see their own rows only', async () => {
  const uses = Array.from({ length: 100 }, async (_, at) => {
    const tenant = at % 2 === 0 ? TENANT_A : TENANT_B;
    const [product] = await withTenantManager(dataSource, tenant, (manager) => manager.find(Product));
    return product?.name === tenant;
  });

  expect(await Promise.all(uses)).toEqual(uses.map(() => true));
});
