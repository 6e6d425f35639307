import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../http/request-context.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import type { RotateCredentialsDto } from '../databases/dto/requests.dto.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import type { DeletedTenantDto, TenantCredentialsDto, TenantDto } from './dto/tenant.dto.js';
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
    { endSessions }: RotateCredentialsDto,
  ): Promise<OperationReply<TenantCredentialsDto>> {
    const tenant = await this.reader.getTenant(id);
    if (tenant.isolation === 'database') {
      return this.rotateDatabase(context, tenant, endSessions === true);
    }
    const { password, verifier, ciphertext } = await this.credentials.generate(credentialName(tenant));
    const { operation } = await this.commands.start(context, id, {
      kind: 'tenant.rotate_credentials',
      from: ['active', 'suspended'],
      input: { endSessions: endSessions === true },
      prepare: (tx) =>
        this.repository.update(tx, id, { nextScramVerifier: verifier, nextPasswordCiphertext: ciphertext }),
    });
    this.credentials.remember(operation.id, password);
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => this.presenter.credentials(tenant, password),
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

  private async rotateDatabase(
    context: RequestContext,
    tenant: Tenant,
    endSessions: boolean,
  ): Promise<OperationReply<TenantCredentialsDto>> {
    const { operation, password } = await this.databases.rotate(context, databaseOf(tenant), endSessions);
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => this.presenter.credentials(tenant, password),
      pending: () => ({ credentials: this.presenter.credentials(tenant, password) }),
    });
  }

  private async onDatabase(
    context: RequestContext,
    { id }: Tenant,
    operation: Parameters<OperationsService['run']>[0],
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

function databaseOf({ databaseId }: Tenant): string {
  if (databaseId) return databaseId;
  throw new RowhouseError('RESOURCE_BUSY', "The tenant's database is being removed.");
}
