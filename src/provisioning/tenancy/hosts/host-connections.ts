import { createHash, createHmac, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Client, ClientBase, ClientConfig, Pool, PoolClient } from 'pg';
import { CONFIG, type Config } from '../../../config/config.js';
import { adminConnection } from '../../../infra/postgres/admin-connection.js';
import { openSession } from '../../../infra/postgres/open-session.js';
import { openSessionPool } from '../../../infra/postgres/session-pool.js';
import { SessionSeals } from '../../../infra/postgres/session-seal.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import type { ManagedServer } from '../../managed-server.js';
import { hostRoles } from './host-roles.js';
import { LoginWindow } from './login-window.js';
import { workerClient } from './worker-client.js';
import { admitWorkerOf, refuseWorkerOf } from './worker-role.js';

const IDLE_TIMEOUT_MS = 10_000;
/** Connections of one process to one hosting database. */
const POOL_SIZE = 8;
/** More than the migrations of all templates in it ask for. */
const LONG_POOL_SIZE = 64;
const MAX_POOLS = 200;

/**
 * Another process may shut the window, set the password or end strangers while this one logs in, and of two changes of a
 * role at once PostgreSQL refuses one ("tuple concurrently updated", an internal error).
 */
const ATTEMPTS = 6;
const LONGEST_PAUSE_MS = 50;
const WORTH_TRYING_AGAIN: ReadonlySet<string> = new Set([
  SQLSTATE.invalidPassword,
  SQLSTATE.invalidAuthorization,
  SQLSTATE.adminShutdown,
  SQLSTATE.internalError,
]);

/**
 * Sessions in hosting databases, which act as the database's provisioner role: not as administrator, since `RESET ROLE`
 * and `RESET SESSION AUTHORIZATION` inside tenants' own code would lead back to whoever logged in.
 */
@Injectable()
export class HostConnections implements OnApplicationShutdown {
  private readonly logger = new Logger(HostConnections.name);
  private readonly pools = newPools();
  private readonly longPools = newPools();
  private readonly windows = new LRUCache<string, LoginWindow>({ max: 10 * MAX_POOLS });
  private readonly seals: SessionSeals;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.seals = SessionSeals.of(config);
  }

  onApplicationShutdown(): void {
    this.pools.clear();
    this.longPools.clear();
  }

  /**
   * Runs `work` in a session that is used again afterwards: leave no session state behind. After an error the session
   * is closed.
   */
  async use<T>(
    server: ManagedServer,
    databaseName: string,
    work: (client: ClientBase) => Promise<T>,
  ): Promise<T> {
    const pool = this.poolOf(this.pools, POOL_SIZE, { server, databaseName });
    const client = await logIn(() => pool.connect());
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /**
   * For whoever keeps a session for long: they have a pool of their own. Release it with `release()`, or with
   * `release(true)` after an error.
   */
  connect(server: ManagedServer, databaseName: string): Promise<PoolClient> {
    const pool = this.poolOf(this.longPools, LONG_POOL_SIZE, { server, databaseName });
    return logIn(() => pool.connect());
  }

  /** One of nobody's pool, for work that may take hours. End it. */
  open(server: ManagedServer, databaseName: string): Promise<Client> {
    const place = { server, databaseName };
    return logIn(() => openSession(this.optionsOf(place), this.sessionOf(place)));
  }

  /** Closes the sessions in a database that is about to go. */
  forget(server: ManagedServer, databaseName: string): void {
    this.pools.delete(keyOf(server, databaseName));
    this.longPools.delete(keyOf(server, databaseName));
  }

  /** Derived, so that every process of this installation knows it and none stores it. */
  private passwordOf(databaseName: string): string {
    const { encryptionKey, server } = this.config;
    const secret = encryptionKey ?? createHash('sha256').update(server.adminPassword).digest();
    const role = hostRoles(databaseName).worker.value;
    return createHmac('sha256', secret).update(`rowhouse worker ${role}`).digest('hex');
  }

  /** The role's startup setting is what RESET ROLE and DISCARD ALL go back to (PostgreSQL manual, SET ROLE). */
  private optionsOf({ server, databaseName }: Place): ClientConfig {
    const { provisioner, worker } = hostRoles(databaseName);
    return {
      ...adminConnection(server.config, this.config.caFile, {
        database: databaseName,
        serverVersionNum: server.facts.serverVersionNum,
        role: provisioner.value,
      }),
      user: worker.value,
      password: this.passwordOf(databaseName),
    };
  }

  private sessionOf(place: Place): typeof Client {
    return workerClient(this.windowOf(place), this.seals, (pid) => this.terminate(place, pid));
  }

  private async terminate({ server, databaseName }: Place, pid: number): Promise<void> {
    this.logger.warn(`A statement in ${databaseName} went on after its timeout: its session ${pid} is ended`);
    await server.postgres.query('SELECT pg_catalog.pg_terminate_backend($1)', [pid]);
  }

  private windowOf({ server, databaseName }: Place): LoginWindow {
    const key = keyOf(server, databaseName);
    const known = this.windows.get(key);
    if (known) return known;
    const window = new LoginWindow({
      open: () => admitWorkerOf(server, databaseName, this.passwordOf(databaseName)),
      close: () => refuseWorkerOf(server, databaseName),
    });
    this.windows.set(key, window);
    return window;
  }

  private poolOf(pools: Pools, max: number, place: Place): Pool {
    const key = keyOf(place.server, place.databaseName);
    const known = pools.get(key);
    if (known) return known;
    const pool = openSessionPool({
      ...this.optionsOf(place),
      Session: this.sessionOf(place),
      max,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      allowExitOnIdle: true,
    });
    pools.set(key, pool);
    return pool;
  }
}

type Pools = LRUCache<string, Pool>;

interface Place {
  readonly server: ManagedServer;
  readonly databaseName: string;
}

async function logIn<T>(attempt: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (number === ATTEMPTS || !WORTH_TRYING_AGAIN.has(sqlState(error) ?? '')) throw error;
      await delay(randomInt(LONGEST_PAUSE_MS));
    }
  }
}

function newPools(): Pools {
  return new LRUCache({ max: MAX_POOLS, dispose: (pool) => void pool.end().catch(() => {}) });
}

function keyOf(server: ManagedServer, databaseName: string): string {
  return `${server.id}/${databaseName}`;
}
