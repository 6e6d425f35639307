import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import type { Operation } from '../../operations/operation.types.js';
import type { DatabaseHome } from '../../provisioning/database-home.js';
import type { LoginTurn } from '../../provisioning/logins/login-names.js';
import type { RotationWish } from '../../provisioning/logins/new-rotation.js';
import { DatabaseCommands } from './database-commands.js';
import { toHome } from './database-home.js';
import { DatabaseLifecycleService } from './database-lifecycle.service.js';
import { DatabaseSettingsService } from './database-settings.service.js';
import type { DatabaseStatus } from './database-status.js';
import { DatabasesReader } from './databases.reader.js';
import { type Creation, DatabasesService } from './databases.service.js';
import type { NewDatabase } from './new-database.js';

export interface DatabaseWish {
  readonly friendlyName: string;
  readonly ownerEmail: string;
  readonly maxConnections?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly idleInTransactionTimeoutMs?: number;
  readonly extensions?: string[];
  readonly externalAccess?: boolean | null;
}

export interface ManagedDatabase extends DatabaseHome {
  readonly id: string;
  readonly serverId: string;
  readonly status: DatabaseStatus;
  readonly passwordCiphertext: string | null;
}

/** Databases as other features use them: as hosts of tenants, or as a tenant's own. */
@Injectable()
export class ManagedDatabases {
  constructor(
    private readonly databases: DatabasesService,
    private readonly commands: DatabaseCommands,
    private readonly lifecycle: DatabaseLifecycleService,
    private readonly settings: DatabaseSettingsService,
    private readonly reader: DatabasesReader,
  ) {}

  prepare(wish: DatabaseWish): Promise<NewDatabase> {
    return this.databases.prepare(wish);
  }

  /** In the caller's control transaction. Give the operation to the engine after the commit. */
  begin(tx: EntityManager, context: RequestContext, wish: NewDatabase): Promise<Creation> {
    return this.databases.begin(tx, context, wish);
  }

  /** Throws NOT_FOUND. */
  async get(id: string): Promise<ManagedDatabase> {
    const database = await this.reader.getEntity(id);
    const { serverId, status, passwordCiphertext } = database;
    return { id, serverId, status, passwordCiphertext, ...toHome(database) };
  }

  /** Refuses logins; the operation is to be run. Throws RESOURCE_BUSY. */
  async suspend(context: RequestContext, id: string): Promise<Operation> {
    return (await this.commands.start(context, id, { kind: 'database.suspend', from: ['active'] })).operation;
  }

  async resume(context: RequestContext, id: string): Promise<Operation> {
    return (await this.commands.start(context, id, { kind: 'database.resume', from: ['suspended'] }))
      .operation;
  }

  /** A new password, which works once the operation has succeeded. */
  rotate(
    context: RequestContext,
    id: string,
    wish: RotationWish,
  ): Promise<{ database: { login: LoginTurn }; operation: Operation; password: string }> {
    return this.lifecycle.beginRotation(context, id, wish);
  }

  /** In the caller's control transaction; null when nothing changes. */
  changeLimits(
    tx: EntityManager,
    context: RequestContext,
    { id, limits }: { id: string; limits: Partial<RoleSettings & { externalAccess: boolean | null }> },
  ): Promise<Operation | null> {
    return this.settings.begin(tx, { ...context, idempotencyKey: null }, { id, dto: limits });
  }

  /** Starts its deletion whoever lives in it. Throws NOT_FOUND and RESOURCE_BUSY. */
  async beginDelete(context: RequestContext, id: string): Promise<Operation> {
    const { operation } = await this.commands.startDelete(context, id);
    return operation;
  }
}
