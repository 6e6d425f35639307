import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { systemContext } from '../../http/request-context.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { LoginHomes } from '../../provisioning/logins/login-home.js';
import { LoginStore } from '../../provisioning/logins/login-store.js';
import { RoleCommands } from './role-commands.js';

const CHECK_INTERVAL_MS = 500;

/** Drops roles that have come to their end. However many processes look, each home is claimed by one of them. */
@Injectable()
export class RoleExpiryJob {
  private readonly logger = new Logger('Roles');
  private isRunning = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly store: LoginStore,
    private readonly homes: LoginHomes,
    private readonly commands: RoleCommands,
    private readonly operations: OperationsService,
    private readonly clock: Clock,
  ) {}

  @Interval(CHECK_INTERVAL_MS)
  async dropExpired(): Promise<void> {
    if (this.config.role === 'api' || this.isRunning) return;
    this.isRunning = true;
    try {
      for (let begun = await this.beginOne(); begun; begun = await this.beginOne()) {
        await this.operations.run(begun, 0);
      }
    } catch (error) {
      if (!isUnavailable(error)) this.logger.error('Expired roles could not be dropped', error);
    } finally {
      this.isRunning = false;
    }
  }

  private beginOne(): Promise<Operation | null> {
    return this.dataSource.transaction((tx) => this.begin(tx)).catch(noneWhenBusy);
  }

  private async begin(tx: EntityManager): Promise<Operation | null> {
    const key = await this.store.findExpired(tx);
    if (!key) return null;
    const context = systemContext('role expiry');
    const home = await this.homes.get(key, tx);
    const operation = await this.commands.enqueue(tx, context, { home, verb: 'drop_roles', input: {} });
    const at = this.clock.now();
    for (const before of (await this.store.list(home, tx)).filter((row) => isExpired(row, at))) {
      const changes = { status: 'deleting', updatedAt: at } as const;
      await this.store.update(tx, before.id, changes);
      const after = { ...before, ...changes };
      await this.commands.record(tx, context, { home, action: 'role.expire', before, after, operation });
    }
    return operation;
  }
}

function isExpired({ status, expiresAt }: { status: string; expiresAt: Date | null }, at: Date): boolean {
  return status === 'active' && expiresAt !== null && expiresAt <= at;
}

/** Somebody began an operation on the home in the same moment: the next look finds it again. */
function noneWhenBusy(error: unknown): null {
  if (error instanceof RowhouseError && error.code === 'RESOURCE_BUSY') return null;
  throw error;
}
