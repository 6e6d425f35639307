import { createHash, createHmac } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Client, ClientBase, ClientConfig, Pool, PoolClient } from 'pg';
import { CONFIG, type Config } from '../../../config/config.js';
import { adminConnection } from '../../../infra/postgres/admin-connection.js';
import { setPassword } from '../../../infra/postgres/host-sql.js';
import { openSession } from '../../../infra/postgres/open-session.js';
import { openSessionPool } from '../../../infra/postgres/session-pool.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { scramVerifier } from '../../../kernel/scram.js';
import { Coalescer } from '../../coalescer.js';
import type { ManagedServer } from '../../managed-server.js';
import { hostRoles } from './host-roles.js';

const IDLE_TIMEOUT_MS = 10_000;
/** Connections of one process to one hosting database. */
const POOL_SIZE = 8;
/** More than the migrations of all templates in it ask for. */
const LONG_POOL_SIZE = 64;
const MAX_POOLS = 200;

/**
 * Sessions in hosting databases, as the database's provisioner role: not as administrator, since `RESET ROLE` and
 * `RESET SESSION AUTHORIZATION` inside tenants' own code would lead back to whoever logged in.
 */
@Injectable()
export class HostConnections implements OnApplicationShutdown {
  private readonly pools = newPools();
  private readonly longPools = newPools();

  /** Two ALTER ROLE of one role at once fail. */
  private readonly passwords = new LRUCache<string, Coalescer>({ max: MAX_POOLS });

  constructor(@Inject(CONFIG) private readonly config: Config) {}

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
    const client = await this.logIn(server, databaseName, () => pool.connect());
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
    return this.logIn(server, databaseName, () => pool.connect());
  }

  /** One of nobody's pool, for work that may take hours. End it. */
  open(server: ManagedServer, databaseName: string): Promise<Client> {
    return this.logIn(server, databaseName, () => openSession(this.optionsOf(server, databaseName)));
  }

  /** Puts the derived password in force, and lets the provisioner log in. */
  setPassword(server: ManagedServer, databaseName: string): Promise<void> {
    const key = keyOf(server, databaseName);
    const known = this.passwords.get(key);
    const coalescer = known ?? new Coalescer(() => this.putPassword(server, databaseName));
    if (!known) this.passwords.set(key, coalescer);
    return coalescer.run();
  }

  /** Closes the sessions in a database that is about to go. */
  forget(server: ManagedServer, databaseName: string): void {
    this.pools.delete(keyOf(server, databaseName));
    this.longPools.delete(keyOf(server, databaseName));
  }

  private async putPassword(server: ManagedServer, databaseName: string): Promise<void> {
    const verifier = await scramVerifier(this.passwordOf(databaseName));
    await server.postgres.execute(setPassword(hostRoles(databaseName).provisioner, verifier));
  }

  /** The provisioner's password: derived, so that every process of this installation knows it and none stores it. */
  private passwordOf(databaseName: string): string {
    const { encryptionKey, server } = this.config;
    const secret = encryptionKey ?? createHash('sha256').update(server.adminPassword).digest();
    const role = hostRoles(databaseName).provisioner.value;
    return createHmac('sha256', secret).update(`rowhouse provisioner ${role}`).digest('hex');
  }

  /** A password that is refused was derived from another secret, a former ENCRYPTION_KEY for one: it is set anew. */
  private async logIn<T>(server: ManagedServer, databaseName: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (sqlState(error) !== SQLSTATE.invalidPassword) throw error;
      await this.setPassword(server, databaseName);
      return attempt();
    }
  }

  private optionsOf({ config, facts }: ManagedServer, databaseName: string): ClientConfig {
    const { serverVersionNum } = facts;
    return {
      ...adminConnection(config, this.config.caFile, { database: databaseName, serverVersionNum }),
      user: hostRoles(databaseName).provisioner.value,
      password: this.passwordOf(databaseName),
    };
  }

  private poolOf(pools: Pools, max: number, { server, databaseName }: Place): Pool {
    const key = keyOf(server, databaseName);
    const known = pools.get(key);
    if (known) return known;
    const pool = openSessionPool({
      ...this.optionsOf(server, databaseName),
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

function newPools(): Pools {
  return new LRUCache({ max: MAX_POOLS, dispose: (pool) => void pool.end().catch(() => {}) });
}

function keyOf(server: ManagedServer, databaseName: string): string {
  return `${server.id}/${databaseName}`;
}
