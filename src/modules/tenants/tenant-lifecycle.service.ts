import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../http/request-context.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import type { HomeKey } from '../../provisioning/logins/login-home.js';
import type { LoginTurn } from '../../provisioning/logins/login-names.js';
import { LoginStore } from '../../provisioning/logins/login-store.js';
import { NewRotation, toRotationInput } from '../../provisioning/logins/new-rotation.js';
import type { RotateCredentialsDto } from '../databases/dto/requests.dto.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import type { DeletedTenantDto, RotatedTenantCredentialsDto, TenantDto } from './dto/tenant.dto.js';
import { credentialName, type Tenant } from './tenant.js';
import { assertStatus, type Command, TenantCommands } from './tenant-commands.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantsReader } from './tenants.reader.js';
import { TenantsRepository } from './tenants.repository.js';

/** What happens to a tenant between its creation and its end. A tenant's own database is changed by its own operations. */
@Injectable()
export class TenantLifecycleService {
  constructor(
    private readonly commands: TenantCommands,
    private readonly operations: OperationsService,
    private readonly repository: TenantsRepository,
    private readonly reader: TenantsReader,
    private readonly presenter: TenantPresenter,
    private readonly credentials: HomeCredentials,
    private readonly databases: ManagedDatabases,
    private readonly rotation: NewRotation,
    private readonly logins: LoginStore,
    private readonly clock: Clock,
  ) {}

  async suspend(context: RequestContext, id: string): Promise<OperationReply<TenantDto>> {
    const tenant = await this.reader.getTenant(id);
    if (tenant.isolation === 'schema')
      return this.change(context, id, { kind: 'tenant.suspend', from: ['active'] });
    assertStatus(tenant, ['active']);
    return this.onDatabase(context, tenant, await this.databases.suspend(context, databaseOf(tenant)));
  }

  async resume(context: RequestContext, id: string): Promise<OperationReply<TenantDto>> {
    const tenant = await this.reader.getTenant(id);
    if (tenant.isolation === 'schema')
      return this.change(context, id, { kind: 'tenant.resume', from: ['suspended'] });
    assertStatus(tenant, ['suspended']);
    return this.onDatabase(context, tenant, await this.databases.resume(context, databaseOf(tenant)));
  }

  async rotateCredentials(
    context: RequestContext,
    id: string,
    dto: RotateCredentialsDto,
  ): Promise<OperationReply<RotatedTenantCredentialsDto>> {
    const { isolation } = await this.reader.getTenant(id);
    const begun =
      isolation === 'database'
        ? await this.rotateDatabase(context, id, dto)
        : await this.rotateSchema(context, id, dto);
    const { tenant, operation, password, home } = begun;
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => this.presenter.rotated(tenant, password, await this.logins.findOverlap(home)),
      pending: () => ({ credentials: this.presenter.credentials(tenant, password) }),
    });
  }

  async delete(context: RequestContext, id: string): Promise<OperationReply<DeletedTenantDto>> {
    const { tenant, operation } = await this.commands.start(context, id, {
      kind: 'tenant.delete',
      from: ['active', 'suspended', 'failed'],
      recall: async (tx) => ({ former: await this.repository.statusOf(tx, id) }),
      prepare: async (tx, found) => {
        if (found.deletionProtection) {
          throw new RowhouseError(
            'DELETION_PROTECTED',
            'Set deletionProtection to false before you delete it.',
          );
        }
        await this.repository.move(tx, id, 'deleting', this.clock.now());
      },
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: async () => this.presenter.deleted(tenant) });
  }

  private async rotateSchema(
    context: RequestContext,
    id: string,
    dto: RotateCredentialsDto,
  ): Promise<BegunRotation> {
    const input = toRotationInput(dto);
    const at = this.clock.now();
    const home = { type: 'tenant', id } as const;
    const fresh = await this.credentials.generate(credentialName(await this.reader.getTenant(id)));
    let login: LoginTurn = 'own';
    const { tenant, operation } = await this.commands.start(context, id, {
      kind: 'tenant.rotate_credentials',
      from: ['active', 'suspended'],
      input,
      prepare: async (tx) => {
        login = await this.rotation.prepare(tx, home, { input, fresh, at });
      },
    });
    this.credentials.remember(operation.id, fresh.password);
    return { tenant: { ...tenant, login }, operation, password: fresh.password, home };
  }

  private async rotateDatabase(
    context: RequestContext,
    id: string,
    dto: RotateCredentialsDto,
  ): Promise<BegunRotation> {
    const tenant = await this.reader.getTenant(id);
    const home = { type: 'database', id: databaseOf(tenant) } as const;
    const { database, operation, password } = await this.databases.rotate(context, home.id, dto);
    return { tenant: { ...tenant, login: database.login }, operation, password, home };
  }

  private async onDatabase(
    context: RequestContext,
    { id }: Tenant,
    operation: Operation,
  ): Promise<OperationReply<TenantDto>> {
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.reader.get(id) });
  }

  private async change(
    context: RequestContext,
    id: string,
    command: Command,
  ): Promise<OperationReply<TenantDto>> {
    const { operation } = await this.commands.start(context, id, command);
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.reader.get(id) });
  }
}

interface BegunRotation {
  /** With the login that it will have. */
  readonly tenant: Tenant;
  readonly operation: Operation;
  readonly password: string;
  readonly home: HomeKey;
}

function databaseOf({ databaseId }: Tenant): string {
  if (databaseId) return databaseId;
  throw new RowhouseError('RESOURCE_BUSY', "The tenant's database is being removed.");
}
