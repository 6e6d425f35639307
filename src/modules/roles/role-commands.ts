import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { type HomeKey, type LoginHome, LoginHomes } from '../../provisioning/logins/login-home.js';
import { type LoginRow, LoginStore } from '../../provisioning/logins/login-store.js';
import { RolePresenter } from './role-presenter.js';

export interface RoleCommand {
  /** What becomes of a role: `create_role`, `drop_roles` … The operation's kind has the home's type before it. */
  readonly verb: string;
  /** What the audit trail calls it: `role.create`. */
  readonly action: string;
  readonly input?: Readonly<Record<string, unknown>>;
  /** Changes the rows; returns the role as it will be. */
  prepare(tx: EntityManager, home: LoginHome): Promise<RoleChange>;
}

export interface RoleChange {
  readonly before: LoginRow | null;
  readonly after: LoginRow;
}

export interface StartedCommand extends RoleChange {
  readonly home: LoginHome;
  readonly operation: Operation;
}

/**
 * Starts operations on the roles of a home: lock the home, check, change, enqueue and audit in one control
 * transaction. The home is the operation's subject, so that nothing of it changes in between.
 */
@Injectable()
export class RoleCommands {
  constructor(
    private readonly dataSource: DataSource,
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
    private readonly presenter: RolePresenter,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  start(context: RequestContext, key: HomeKey, command: RoleCommand): Promise<StartedCommand> {
    return this.dataSource.transaction(async (tx) => {
      const home = await this.homes.getLocked(tx, await this.homes.resolve(key, tx));
      assertLive(home);
      const change = await command.prepare(tx, home);
      const operation = await this.enqueue(tx, context, {
        home,
        verb: command.verb,
        input: { roleId: change.after.id, formerNetworks: change.before?.networks ?? null, ...command.input },
      });
      await this.record(tx, context, { home, action: command.action, ...change, operation });
      return { ...change, home, operation };
    });
  }

  enqueue(
    tx: EntityManager,
    context: RequestContext,
    { home, verb, input }: { home: HomeKey; verb: string; input: Readonly<Record<string, unknown>> },
  ): Promise<Operation> {
    const { type, id } = home;
    return this.operations.create(tx, context, {
      kind: `${type}.${verb}`,
      subjectType: type,
      subjectId: id,
      input,
    });
  }

  async record(
    tx: EntityManager,
    context: RequestContext,
    { home, action, before, after, operation }: StartedCommand & { action: string },
  ): Promise<void> {
    const show = (row: LoginRow) => this.presenter.role({ type: home.type, home, row });
    await this.audit.record(tx, context, {
      action,
      resourceType: 'role',
      resourceId: after.id,
      operationId: operation.id,
      ...(before && { before: show(before) }),
      after: show(after),
      outcome: 'accepted',
    });
  }

  /** Throws NOT_FOUND, CONFLICT when the status is none of these, RESOURCE_BUSY while it is made or removed. */
  async getRole(
    tx: EntityManager,
    home: LoginHome,
    { id, from }: { id: string; from: readonly string[] },
  ): Promise<LoginRow> {
    const row = await this.store.find(home, id, tx);
    if (row?.purpose !== 'role') throw notFound('role', id);
    if (from.includes(row.status)) return row;
    if (row.status !== 'failed') {
      throw new RowhouseError('RESOURCE_BUSY', `The role is ${row.status}; wait until that is done.`);
    }
    throw new RowhouseError('CONFLICT', 'The role could not be removed. Delete it again.');
  }
}

function assertLive({ type, status }: LoginHome): void {
  if (status === 'active' || status === 'suspended') return;
  if (status === 'failed')
    throw new RowhouseError('CONFLICT', `The ${type} is failed; it can only be deleted.`);
  throw new RowhouseError('RESOURCE_BUSY', `The ${type} is ${status}; wait until that is done.`);
}
