import { Pool, type PoolConfig } from 'pg';
import { afterAll } from 'vitest';
import { generatePassword, newId } from '../../src/kernel/ids.js';
import { scramVerifier } from '../../src/kernel/scram.js';
import { HostConnections } from '../../src/provisioning/tenancy/hosts/host-connections.js';
import { HostProvisioner } from '../../src/provisioning/tenancy/hosts/host-provisioner.js';
import { SchemaProvisioner } from '../../src/provisioning/tenancy/schemas/schema-provisioner.js';
import {
  type Door,
  type MadeHome,
  type ProvisioningFixture,
  startProvisioning,
} from './provisioning-fixture.js';

export const TENANT_A = 'tenant_0001';
export const TENANT_B = 'tenant_0002';

const TABLE = `CREATE TABLE products (id integer PRIMARY KEY, name text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED)`;

/** A hosting database with two tenants, each with a table `products` and one row, and pools as an application has them. */
export interface TenancyFixture {
  readonly provisioning: ProvisioningFixture;
  readonly host: MadeHome;
  readonly passwords: Readonly<Record<string, string>>;
  /** A pool of the `_app` role. */
  pool(door: Door, options?: PoolConfig): Pool;
  endpoint(door: Door): { host: string; port: number };
  /** What a tenant has, seen as superuser. */
  names(tenant: string): Promise<string[]>;
}

export async function startTenancy(): Promise<TenancyFixture> {
  const provisioning = await startProvisioning();
  const host = await provisioning.make({ maxConnections: 20 });
  const passwords = { app: await openHost(provisioning, host), ...(await makeTenants(provisioning, host)) };
  const pools: Pool[] = [];
  afterAll(async () => {
    for (const pool of pools) if (!pool.ended) await pool.end();
  });
  const endpoint = (door: Door) => {
    const { pooler, host: address, port } = provisioning.config.server;
    return door === 'pooled' && pooler ? { host: pooler.host, port: pooler.port } : { host: address, port };
  };
  const pool = (door: Door, options: PoolConfig = {}) => {
    const made = new Pool({
      ...endpoint(door),
      database: host.databaseName,
      user: `${host.databaseName}_app`,
      password: passwords.app,
      max: 4,
      ...options,
    });
    made.on('error', () => {});
    pools.push(made);
    return made;
  };
  const names = async (tenant: string) => {
    const rows = await provisioning.admin(
      `SELECT name FROM ${tenant}.products ORDER BY name`,
      host.databaseName,
    );
    return rows.map((row) => String(row.name));
  };
  return { provisioning, host, passwords, pool, endpoint, names };
}

async function openHost({ context, server }: ProvisioningFixture, host: MadeHome): Promise<string> {
  const { databaseName, username } = host;
  const password = generatePassword();
  const hosts = context.get(HostProvisioner);
  await hosts.ensure(server, { databaseName, ownerRole: username });
  const verifier = await scramVerifier(password);
  await hosts.openLogins(server, {
    databaseName,
    appVerifier: verifier,
    readonlyVerifier: verifier,
    maxConnections: 20,
  });
  return password;
}

async function makeTenants(
  { context, server }: ProvisioningFixture,
  { databaseName }: MadeHome,
): Promise<Record<string, string>> {
  const schemas = context.get(SchemaProvisioner);
  const passwords: Record<string, string> = {};
  for (const name of [TENANT_A, TENANT_B]) {
    const password = generatePassword();
    const tenant = {
      id: newId(),
      databaseName,
      schemaName: name,
      schemaOid: null,
      username: name,
      roleOid: null,
      scramVerifier: await scramVerifier(password),
      maxConnections: 5,
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
      idleInTransactionTimeoutMs: 60_000,
    };
    const roleOid = await schemas.ensureRole(server, tenant);
    await schemas.ensureSchema(server, { ...tenant, roleOid }, { template: null, seeds: false });
    await schemas.enableLogin(server, { ...tenant, roleOid });
    await context.get(HostConnections).use(server, databaseName, async (client) => {
      await client.query(`BEGIN; SET LOCAL search_path = ${name}; ${TABLE};
        INSERT INTO products VALUES (1, '${name}'); COMMIT`);
    });
    passwords[name] = password;
  }
  return passwords;
}
