import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import { Coalescer } from '../coalescer.js';
import type { ManagedServer } from '../managed-server.js';
import { lockServerFiles, tryToLockServerFiles } from '../server-files-lock.js';
import { findPendingRules, markRules } from './access-marks.js';
import { AccessPeers } from './access-peers.js';
import type { AccessPlan } from './access-plan.js';
import { DirectGate } from './direct-gate.js';
import { GuardedPort, type Undo } from './guarded-port.js';
import { guardsAnything } from './plan-names.js';
import { readAccessPlan } from './plan-reader.js';
import { IS_ANYTHING_GUARDED } from './plan-sql.js';
import { PooledGate } from './pooled-gate.js';
import { SessionPatrol } from './session-patrol.js';

interface ServerAccess {
  readonly sync: Coalescer;
  readonly ports: readonly GuardedPort[];
  /** The plan that both files were last found to say. */
  found: { readonly plan: AccessPlan; readonly texts: readonly string[] } | null;
  /** Why the ports were last refused their rules; null since they have them. */
  refusal: RowhouseError | null;
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
    const isComplete = await this.measure(server);
    for (const port of this.accessOf(server).ports) port.forget();
    await this.sync(server);
    if (isComplete) return;
    // A pooler that has no rules yet may have turned Rowhouse away, too.
    await this.measure(server);
    await this.sync(server);
  }

  /** Throws what the last attempt failed with, when a server was there and did not take its rules. */
  assertTaken({ id }: Pick<ManagedServer, 'id'>): void {
    const refusal = this.servers.get(id)?.refusal ?? null;
    if (refusal) throw refusal;
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
      const plan = await this.findPlanInForce(tx, server);
      if (plan) await this.patrol.sweep(server, plan);
    });
  }

  /** Null while the files say something else than the control database. It is worked out only when they change. */
  private async findPlanInForce(tx: EntityManager, server: ManagedServer): Promise<AccessPlan | null> {
    const access = this.accessOf(server);
    const texts = await Promise.all(access.ports.map((port) => port.read()));
    if (access.found?.texts.every((text, at) => text === texts[at])) return access.found.plan;
    const plan = await readAccessPlan(tx, server, this.config.defaultAccess);
    if (!access.ports.every((port, at) => port.says(plan, texts[at] ?? ''))) return null;
    access.found = { plan, texts };
    return plan;
  }

  private async measure(server: ManagedServer): Promise<boolean> {
    try {
      return await this.peers.measure(server);
    } catch (error) {
      throw toAccessError(error);
    }
  }

  private async isAnythingGuarded(): Promise<boolean> {
    if (this.config.defaultAccess === 'closed') return true;
    const [row]: { guarded: boolean }[] = await this.dataSource.query(IS_ANYTHING_GUARDED);
    return row?.guarded ?? false;
  }

  private accessOf(server: ManagedServer): ServerAccess {
    const known = this.servers.get(server.id);
    if (known) return known;
    const sync = new Coalescer(() => this.run(server));
    const access = { sync, ports: this.portsOf(server), found: null, refusal: null };
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
    const access = this.accessOf(server);
    const sweep = await this.dataSource
      .transaction((tx) => this.apply(tx, server))
      .catch((failure: unknown) => {
        const error = toAccessError(failure);
        access.refusal = isRefusal(error) ? error : access.refusal;
        throw error;
      });
    access.refusal = null;
    if (sweep.status === 'rejected') throw toAccessError(sweep.reason);
  }

  private async apply(tx: EntityManager, server: ManagedServer): Promise<PromiseSettledResult<void>> {
    await lockServerFiles(tx, server);
    const pending = await findPendingRules(tx, server);
    const plan = await readAccessPlan(tx, server, this.config.defaultAccess);
    assertEnforceable(server, plan);
    await applyEverywhere(this.accessOf(server).ports, plan);
    await markRules(tx, pending);
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

function isRefusal(error: unknown): error is RowhouseError {
  return error instanceof RowhouseError && error.code !== 'SERVICE_UNAVAILABLE';
}

function toAccessError(error: unknown): unknown {
  if (error instanceof RowhouseError || !isUnavailable(error)) return error;
  return new RowhouseError(
    'SERVICE_UNAVAILABLE',
    'PostgreSQL or PgBouncer does not answer, so the rules were not changed.',
    { cause: error },
  );
}
