import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { taken } from '../../kernel/errors.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { type HomeKey, LoginHomes } from '../../provisioning/logins/login-home.js';
import { roleUsername } from '../../provisioning/logins/login-names.js';
import { type LoginRow, LoginStore } from '../../provisioning/logins/login-store.js';
import type { CreateRoleDto, PatchRoleDto, RotateRoleDto } from './dto/requests.dto.js';
import type { DeletedRoleDto, RoleDto, RoleWithPasswordDto } from './dto/role.dto.js';
import { RoleCommands, type StartedCommand } from './role-commands.js';
import { RolePresenter } from './role-presenter.js';
import { assertFree, newRole, toChanges } from './role-rows.js';
import { RoleTerms } from './role-terms.js';
import { RolesReader } from './roles.reader.js';

const ACTIVE = ['active'] as const;
const REMOVABLE = ['active', 'failed'] as const;

export interface RoleKey extends HomeKey {
  readonly roleId: string;
}

/** Makes, changes and removes further roles of homes. */
@Injectable()
export class RolesService {
  constructor(
    private readonly commands: RoleCommands,
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
    private readonly terms: RoleTerms,
    private readonly reader: RolesReader,
    private readonly presenter: RolePresenter,
    private readonly credentials: HomeCredentials,
    private readonly operations: OperationsService,
    private readonly clock: Clock,
  ) {}

  async create(
    context: RequestContext,
    key: HomeKey,
    dto: CreateRoleDto,
  ): Promise<OperationReply<RoleWithPasswordDto>> {
    assertFree(dto.name);
    const { username } = await this.homes.resolve(key);
    const fresh = await this.credentials.generate(roleUsername(username, dto.name));
    const at = this.clock.now();
    const started = await this.commands.start(context, key, {
      verb: 'create_role',
      action: 'role.create',
      prepare: async (tx, home) => {
        const after = newRole(home, dto, { context, fresh, at });
        await this.terms.assertAllowed(tx, context, { home, before: null, after });
        await this.store.insert(tx, after).catch((error: unknown) => throwTaken(error, dto.name));
        return { before: null, after };
      },
    });
    return this.answerWithPassword(context, key, { started, password: fresh.password, created: true });
  }

  async patch(
    context: RequestContext,
    { roleId, ...key }: RoleKey,
    dto: PatchRoleDto,
  ): Promise<OperationReply<RoleDto>> {
    const at = this.clock.now();
    const { operation } = await this.commands.start(context, key, {
      verb: 'change_role',
      action: 'role.update',
      prepare: async (tx, home) => {
        const before = await this.commands.getRole(tx, home, { id: roleId, from: ACTIVE });
        const changes = { ...toChanges(home, dto, at), updatedAt: at };
        const after = { ...before, ...changes };
        await this.terms.assertAllowed(tx, context, { home, before, after });
        await this.store.update(tx, roleId, changes);
        return { before, after };
      },
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.reader.get({ ...key, roleId }) });
  }

  async rotate(
    context: RequestContext,
    { roleId, ...key }: RoleKey,
    { endSessions = false }: RotateRoleDto,
  ): Promise<OperationReply<RoleWithPasswordDto>> {
    const { username } = await this.reader.getRow({ ...key, roleId });
    const fresh = await this.credentials.generate(username);
    const started = await this.commands.start(context, key, {
      verb: 'rotate_role',
      action: 'role.rotate_credentials',
      input: { endSessions },
      prepare: async (tx, home) => {
        const before = await this.commands.getRole(tx, home, { id: roleId, from: ACTIVE });
        const changes = { nextScramVerifier: fresh.verifier, nextPasswordCiphertext: fresh.ciphertext };
        await this.store.update(tx, roleId, changes);
        return { before, after: before };
      },
    });
    this.credentials.remember(started.operation.id, fresh.password);
    return this.answerWithPassword(context, key, { started, password: fresh.password, created: false });
  }

  async delete(
    context: RequestContext,
    { roleId, ...key }: RoleKey,
  ): Promise<OperationReply<DeletedRoleDto>> {
    const { operation, after } = await this.commands.start(context, key, {
      verb: 'drop_roles',
      action: 'role.delete',
      prepare: async (tx, home) => {
        const before = await this.commands.getRole(tx, home, { id: roleId, from: REMOVABLE });
        return { before, after: await this.markDeleted(tx, before) };
      },
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: async () => this.presenter.deleted(after) });
  }

  private async markDeleted(tx: EntityManager, row: LoginRow): Promise<LoginRow> {
    const changes = { status: 'deleting', updatedAt: this.clock.now() } as const;
    await this.store.update(tx, row.id, changes);
    return { ...row, ...changes };
  }

  private async answerWithPassword(
    context: RequestContext,
    { type }: HomeKey,
    { started, password, created }: { started: StartedCommand; password: string; created: boolean },
  ): Promise<OperationReply<RoleWithPasswordDto>> {
    const { operation, home, after } = started;
    const ended = await this.operations.run(operation, context.waitMs);
    const present = (row: LoginRow) => this.presenter.roleWithPassword({ type, home, row }, password);
    return toReply(ended, {
      created,
      resource: async () => present((await this.store.find(home, after.id)) ?? after),
      pending: () => ({ credentials: present(after) }),
    });
  }
}

function throwTaken(error: unknown, name: string): never {
  if (sqlState(error) !== SQLSTATE.uniqueViolation) throw error;
  throw taken('name', `There is a role "${name}" already.`);
}
