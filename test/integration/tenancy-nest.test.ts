import { get as httpGet } from 'node:http';
import {
  Body,
  Controller,
  type DynamicModule,
  ForbiddenException,
  Get,
  type INestApplication,
  Injectable,
  Module,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { InTenant, TenancyModule, TenantDb } from '../../src/tenancy/nest.js';
import { until } from '../support/until.js';
import { startTenancy, TENANT_A, TENANT_B } from './tenancy-fixture.js';

@Injectable()
class Products {
  constructor(private readonly db: TenantDb) {}

  list() {
    return this.db.query('SELECT id, name FROM products ORDER BY id');
  }

  add(id: number, name: string) {
    return this.db.query('INSERT INTO products VALUES ($1, $2) RETURNING id, name', [id, name]);
  }
}

@Controller('products')
@InTenant()
class ProductsController {
  constructor(
    private readonly products: Products,
    private readonly db: TenantDb,
  ) {}

  @Get()
  async list() {
    return { tenant: this.db.tenant, products: await this.products.list() };
  }

  @Post()
  async add(@Body() { id, name }: { id: number; name: string }) {
    const [added] = await this.products.add(id, name);
    if (name === 'bad') throw new Error('the application said no');
    return added;
  }

  @Get('read-only')
  @InTenant({ readOnly: true })
  write() {
    return this.products.add(2, 'two');
  }

  @Get('slow')
  async slow() {
    await this.products.add(2, 'two');
    await this.db.query('SELECT pg_sleep(30)');
  }
}

@Controller('open')
class OpenController {
  constructor(private readonly products: Products) {}

  @Get()
  async list() {
    return this.products.list().catch(({ code }: { code: string }) => ({ code }));
  }
}

interface Answer {
  tenant?: string;
  products?: { id: number; name: string }[];
}

const tenancy = await startTenancy();
const { databaseName } = tenancy.host;
const started: { close(): Promise<unknown> }[] = [];
afterAll(async () => {
  for (const item of started.reverse()) await item.close();
});
afterEach(async () => {
  await tenancy.provisioning.admin(`DELETE FROM ${TENANT_A}.products WHERE id <> 1`, databaseName);
});

const tenantOf = ({ headers }: { headers: Record<string, string | string[] | undefined> }) => {
  const tenant = headers['x-tenant'];
  if (tenant === 'suspended') throw new ForbiddenException();
  return typeof tenant === 'string' ? tenant : null;
};

async function serve(tenancyModule: DynamicModule): Promise<{ app: INestApplication; url: string }> {
  @Module({
    imports: [tenancyModule],
    controllers: [ProductsController, OpenController],
    providers: [Products],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  started.push(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

async function connectDataSource(): Promise<DataSource> {
  const dataSource = await new DataSource({
    type: 'postgres',
    ...tenancy.endpoint('pooled'),
    username: `${databaseName}_app`,
    password: tenancy.passwords.app,
    database: databaseName,
  }).initialize();
  started.push({ close: () => dataSource.destroy() });
  return dataSource;
}

const modules = {
  pool: TenancyModule.forRoot({ pool: tenancy.pool('pooled'), tenantOf }),
  dataSource: TenancyModule.forRootAsync({
    useFactory: async () => ({
      dataSource: await connectDataSource(),
      tenantOf,
      withoutTenant: 404 as const,
    }),
  }),
};

describe.each(['pool', 'dataSource'] as const)('with a %s', (kind) => {
  const serving = serve(modules[kind]);

  async function request(path: string, tenant: string | null, body?: object) {
    const { url } = await serving;
    const answer = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json', ...(tenant !== null && { 'x-tenant': tenant }) },
      body: body && JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Answer };
  }

  test("a handler works in its request's tenant", async () => {
    for (const tenant of [TENANT_A, TENANT_B]) {
      expect(await request('/products', tenant)).toEqual({
        status: 200,
        body: { tenant, products: [{ id: 1, name: tenant }] },
      });
    }
  });

  test('what it did is committed before the answer', async () => {
    expect(await request('/products', TENANT_A, { id: 2, name: 'two' })).toEqual({
      status: 201,
      body: { id: 2, name: 'two' },
    });
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A, 'two']);
  });

  test('an error rolls back', async () => {
    expect((await request('/products', TENANT_A, { id: 2, name: 'bad' })).status).toBe(500);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('@InTenant on the handler outdoes the one on its controller', async () => {
    expect((await request('/products/read-only', TENANT_A)).status).toBe(500);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test.each([null, 'tenant_9999', 'Not a tenant', 'postgres'])(
    'a request for %j is answered as the module says',
    async (tenant) => {
      expect((await request('/products', tenant)).status).toBe(kind === 'pool' ? 400 : 404);
    },
  );

  test('what tenantOf throws is the answer, such as 403 for who is suspended', async () => {
    expect((await request('/products', 'suspended')).status).toBe(403);
  });

  test('a handler without @InTenant has no tenant, whoever asks', async () => {
    expect((await request('/open', TENANT_A)).body).toEqual({ code: 'NO_TENANT' });
  });

  test('a client that leaves ends the query, and nothing is kept', async () => {
    const { url } = await serving;
    const leaving = httpGet(`${url}/products/slow`, { headers: { 'x-tenant': TENANT_A } });
    leaving.on('error', () => {});
    const sleeping =
      "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'";
    await until('the query runs', async () => (await tenancy.provisioning.admin(sleeping)).length === 1);

    leaving.destroy();

    await until('the query has ended', async () => (await tenancy.provisioning.admin(sleeping)).length === 0);
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
    expect((await request('/products', TENANT_A)).status).toBe(200);
  });

  test('requests of many tenants at once do not meet', async () => {
    const answers = Array.from({ length: 60 }, async (_, at) => {
      const tenant = at % 2 === 0 ? TENANT_A : TENANT_B;
      const { body } = await request('/products', tenant);
      return body.tenant === tenant && body.products?.[0]?.name === tenant;
    });

    expect(await Promise.all(answers)).toEqual(answers.map(() => true));
  });
});
