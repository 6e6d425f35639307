import { type DynamicModule, Global, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll } from 'vitest';
import { CONFIG, type Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { ensureControlDatabase } from '../../src/infra/control-db/control-database.js';
import { ControlDbModule } from '../../src/infra/control-db/control-db.module.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { generatePassword, newId } from '../../src/kernel/ids.js';
import { scramVerifier } from '../../src/kernel/scram.js';
import type { DatabaseHome } from '../../src/provisioning/database-home.js';
import { DatabaseProvisioner } from '../../src/provisioning/database-provisioner.js';
import { freshHomeNames } from '../../src/provisioning/home-names.js';
import type { ManagedServer } from '../../src/provisioning/managed-server.js';
import { PoolerAliases } from '../../src/provisioning/pooler-aliases.js';
import { ProvisioningModule } from '../../src/provisioning/provisioning.module.js';
import { Reconciler } from '../../src/provisioning/reconciliation/reconciler.js';
import { ServerRegistry } from '../../src/provisioning/server-registry.js';
import { WarmPool } from '../../src/provisioning/warm-pool.js';
import { startTestStack, type TestStack, type TestStackOptions } from '../support/stack.js';

export type Door = 'direct' | 'pooled';

export interface MadeHome extends DatabaseHome {
  readonly id: string;
  readonly password: string;
  readonly databaseOid: number;
  readonly roleOid: number;
}

export interface LoginOptions {
  readonly database?: string;
  readonly password?: string;
  /** Another address of the machine than loopback. */
  readonly host?: string;
  readonly tls?: boolean;
}

/** The provisioning layer on a stack of its own, without the API above it. */
export class ProvisioningFixture {
  readonly provisioner: DatabaseProvisioner;
  readonly aliases: PoolerAliases;
  readonly warmPool: WarmPool;
  readonly reconciler: Reconciler;
  readonly control: DataSource;

  constructor(
    readonly stack: TestStack,
    readonly env: Record<string, string>,
    readonly config: Config,
    readonly context: INestApplicationContext,
  ) {
    this.provisioner = context.get(DatabaseProvisioner);
    this.aliases = context.get(PoolerAliases);
    this.warmPool = context.get(WarmPool);
    this.reconciler = context.get(Reconciler);
    this.control = context.get(DataSource);
  }

  get server(): ManagedServer {
    return this.context.get(ServerRegistry).default();
  }

  /** A row in `creating` and the home that it stands for; nothing is on the server yet. */
  async plan(overrides: Partial<DatabaseHome> = {}): Promise<MadeHome> {
    const password = generatePassword();
    const planned = {
      id: newId(),
      password,
      ...freshHomeNames(),
      databaseOid: null,
      roleOid: null,
      shadowDatabaseOid: null,
      maxConnections: 5,
      scramVerifier: await scramVerifier(password),
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
      idleInTransactionTimeoutMs: 60_000,
      extensions: [],
      ...overrides,
    };
    await this.control.query(
      `INSERT INTO databases (id, server_id, friendly_name, owner_email, database_name, username, status,
         max_connections, statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms, scram_verifier)
       VALUES ($1, $2, $3, 'owner@example.com', $3, $4, 'creating', $5, $6, $7, $8, $9)`,
      [
        planned.id,
        this.server.id,
        planned.databaseName,
        planned.username,
        planned.maxConnections,
        planned.statementTimeoutMs,
        planned.lockTimeoutMs,
        planned.idleInTransactionTimeoutMs,
        planned.scramVerifier,
      ],
    );
    return planned as unknown as MadeHome;
  }

  /** A home that is ready on both ports, made step by step. */
  async make(overrides: Partial<DatabaseHome> = {}): Promise<MadeHome> {
    const planned = await this.plan(overrides);
    const roleOid = await this.provisioner.ensureRole(this.server, planned);
    const databaseOid = await this.provisioner.ensureDatabase(this.server, { ...planned, roleOid });
    const home = { ...planned, roleOid, databaseOid };
    await this.provisioner.ensurePrivileges(this.server, home);
    await this.provisioner.ensureExtensions(this.server, home);
    await this.control.query(
      `UPDATE databases SET status = 'active', role_oid = $2, database_oid = $3 WHERE id = $1`,
      [home.id, roleOid, databaseOid],
    );
    await this.aliases.sync(this.server);
    await this.provisioner.enableLogin(this.server, home);
    return home;
  }

  async makeShadow(home: MadeHome): Promise<MadeHome> {
    const shadowDatabaseOid = await this.provisioner.ensureShadow(this.server, home);
    await this.control.query('UPDATE databases SET shadow_database_oid = $2 WHERE id = $1', [
      home.id,
      shadowDatabaseOid,
    ]);
    await this.aliases.sync(this.server);
    return { ...home, shadowDatabaseOid };
  }

  async setStatus({ id }: MadeHome, status: string): Promise<void> {
    await this.control.query('UPDATE databases SET status = $2 WHERE id = $1', [id, status]);
  }

  /** Logs in as the home's role. The caller ends the session. */
  async logIn(door: Door, home: MadeHome, options: LoginOptions = {}): Promise<Client> {
    return this.connect(door, {
      user: home.username,
      password: options.password ?? home.password,
      database: options.database ?? home.databaseName,
      host: options.host,
      tls: options.tls,
    });
  }

  async connect(
    door: Door,
    { host, tls, ...who }: { user: string; password: string; database: string; host?: string; tls?: boolean },
  ): Promise<Client> {
    const { pooler, ...direct } = this.config.server;
    const endpoint = door === 'direct' || !pooler ? direct : pooler;
    const client = new Client({
      ...who,
      host: host ?? endpoint.host,
      port: endpoint.port,
      ssl: tls ? { rejectUnauthorized: false } : false,
      connectionTimeoutMillis: 15_000,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  }

  /** The rows of one statement, as the home's role. */
  async query(
    door: Door,
    home: MadeHome,
    sql: string,
    options: LoginOptions = {},
  ): Promise<Record<string, unknown>[]> {
    const client = await this.logIn(door, home, options);
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async canLogIn(door: Door, home: MadeHome, options: LoginOptions = {}): Promise<boolean> {
    try {
      await this.query(door, home, 'SELECT 1', options);
      return true;
    } catch {
      return false;
    }
  }

  /** The rows of one statement, as superuser in `postgres` or another database. */
  async admin(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    return this.server.postgres.inDatabase(database, async (client) => (await client.query(sql)).rows);
  }
}

/** Starts it for the file that calls it at its top, and stops it after the file's last test. */
export async function startProvisioning(
  env: Record<string, string> = {},
  options: TestStackOptions = {},
): Promise<ProvisioningFixture> {
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });
  const stack = await startTestStack({ withRedis: false, ...options });
  cleanUps.push(() => stack.stop());
  const environment = { NODE_ENV: 'test', WARM_POOL_SIZE: '0', ...stack.env, ...env };
  const config = loadConfig(environment);
  await ensureControlDatabase(config);
  await migrate(config);
  const context = await NestFactory.createApplicationContext(foundation(config), { logger: false });
  cleanUps.push(() => context.close());
  return new ProvisioningFixture(stack, environment, config, context);
}

/** A further process on the same servers, as far as provisioning goes. */
export function startAnotherProcess(config: Config): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(foundation(config), { logger: false });
}

function foundation(config: Config): DynamicModule {
  @Global()
  @Module({ providers: [{ provide: CONFIG, useValue: config }], exports: [CONFIG] })
  class ConfigModule {}

  @Module({
    imports: [ConfigModule, ScheduleModule.forRoot(), ControlDbModule.register(), ProvisioningModule],
  })
  class ProvisioningOnly {}

  return { module: ProvisioningOnly };
}
