import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import { Coalescer } from '../coalescer.js';
import type { ManagedServer } from '../managed-server.js';
import { lockServerFiles, tryToLockServerFiles } from '../server-files-lock.js';
import { markRules } from './access-marks.js';
import { AccessPeers } from './access-peers.js';
import type { AccessPlan } from './access-plan.js';
import { readAccessRows } from './access-rows.js';
import { DirectGate } from './direct-gate.js';
import { GuardedPort, type Undo } from './guarded-port.js';
import { guardsAnything } from './plan-names.js';
import { readAccessPlan, toAccessPlan } from './plan-reader.js';
import { IS_ANYTHING_GUARDED } from './plan-sql.js';
import { PooledGate } from './pooled-gate.js';
import { SessionPatrol } from './session-patrol.js';

interface ServerAccess {
  readonly sync: Coalescer;
  readonly ports: readonly GuardedPort[];
}

/** Puts in force, on both ports of a server, what the control database says about who may reach which home. */
@Injectable()
export class AccessSync {
  private readonly servers = new Map<string, ServerAccess>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly peers: AccessPeers,
    private readonly patrol: SessionPatrol,
  ) {}

  /**
   * Returns when both ports go by the rules and the sessions that these no longer allow are cut, in one go for all who
   * ask meanwhile. Commit first. Else both ports keep their old rules, and it throws SERVICE_UNAVAILABLE when a server
   * is away, CONFLICT when Rowhouse cannot write the rules, OPERATION_FAILED when a server refuses them.
   */
  sync(server: ManagedServer): Promise<void> {
    return this.accessOf(server).sync.run();
  }

  /** The same, trusting nothing that was seen before: neither the files nor the addresses that Rowhouse comes from. */
  async refresh(server: ManagedServer): Promise<void> {
    await this.peers.measure(server).catch((error: unknown) => {
      throw toAccessError(error);
    });
    for (const port of this.accessOf(server).ports) port.forget();
    await this.sync(server);
  }

  /** For who made something new: where nothing is guarded, there is nothing that it could slip past. */
  async follow(server: ManagedServer): Promise<void> {
    if (await this.isAnythingGuarded()) await this.sync(server);
  }

  /** Cuts whom the rules in force do not allow. While they are being changed it leaves that to who does so. */
  async sweep(server: ManagedServer): Promise<void> {
    if (!(await this.isAnythingGuarded())) return;
    await this.dataSource.transaction(async (tx) => {
      if (!(await tryToLockServerFiles(tx, server))) return;
      const plan = await readAccessPlan(tx, server, this.config.defaultAccess);
      for (const port of this.accessOf(server).ports) if (!(await port.isWritten(plan))) return;
      await this.patrol.sweep(server, plan);
    });
  }

  private async isAnythingGuarded(): Promise<boolean> {
    if (this.config.defaultAccess === 'closed') return true;
    const [row]: { guarded: boolean }[] = await this.dataSource.query(IS_ANYTHING_GUARDED);
    return row?.guarded ?? false;
  }

  private accessOf(server: ManagedServer): ServerAccess {
    const known = this.servers.get(server.id);
    if (known) return known;
    const access = { sync: new Coalescer(() => this.run(server)), ports: this.portsOf(server) };
    this.servers.set(server.id, access);
    return access;
  }

  private portsOf({ config, postgres, pooler }: ManagedServer): GuardedPort[] {
    const direct = new DirectGate(config, postgres, this.config.caFile);
    const directory = config.pooler?.configDir ?? null;
    if (!pooler || !config.pooler || directory === null) return [new GuardedPort(direct)];
    const pooled = new PooledGate({ config: this.config, pooler: config.pooler, directory, admin: pooler });
    return [new GuardedPort(direct), new GuardedPort(pooled)];
  }

  /** A sweep that fails takes nothing back: the rules are in force, and whoever asked is told that sessions may live on. */
  private async run(server: ManagedServer): Promise<void> {
    const sweep = await this.dataSource
      .transaction((tx) => this.apply(tx, server))
      .catch((error: unknown) => {
        throw toAccessError(error);
      });
    if (sweep.status === 'rejected') throw toAccessError(sweep.reason);
  }

  private async apply(tx: EntityManager, server: ManagedServer): Promise<PromiseSettledResult<void>> {
    await lockServerFiles(tx, server);
    const rows = await readAccessRows(tx, server, this.config.defaultAccess);
    const plan = toAccessPlan(rows);
    assertEnforceable(server, plan);
    await applyEverywhere(this.accessOf(server).ports, plan);
    await markRules(tx, rows.rules);
    const [sweep] = await Promise.allSettled([this.patrol.sweep(server, plan)]);
    return sweep;
  }
}

async function applyEverywhere(ports: readonly GuardedPort[], plan: AccessPlan): Promise<void> {
  const undos: Undo[] = [];
  try {
    for (const port of ports) undos.push(await port.apply(plan));
  } catch (error) {
    for (const undo of undos.reverse()) await undo();
    throw error;
  }
}

function assertEnforceable({ config }: ManagedServer, plan: AccessPlan): void {
  if (!config.pooler || config.pooler.configDir !== null || !guardsAnything(plan)) return;
  throw new RowhouseError(
    'CONFLICT',
    'PgBouncer would let everybody pass by the rules, since Rowhouse cannot write its HBA file: set PGBOUNCER_CONFIG_DIR.',
  );
}

function toAccessError(error: unknown): unknown {
  if (error instanceof RowhouseError || !isUnavailable(error)) return error;
  return new RowhouseError(
    'SERVICE_UNAVAILABLE',
    'PostgreSQL or PgBouncer does not answer, so the rules were not changed.',
    { cause: error },
  );
}
