import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../../config/config.js';
import { Clock } from '../../../kernel/clock.js';
import { RowhouseError } from '../../../kernel/errors.js';
import type { Operation, OperationStep, StepContext } from '../../../operations/operation.types.js';
import { OperationsService } from '../../../operations/operations.service.js';
import { AccessSync } from '../../../provisioning/access/access-sync.js';
import { homeAccess } from '../../../provisioning/access/home-access.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { PoolerAliases } from '../../../provisioning/pooler-aliases.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';
import { HostProvisioner } from '../../../provisioning/tenancy/hosts/host-provisioner.js';
import { Registry, SlugHeld } from '../../../provisioning/tenancy/hosts/registry.js';
import { PublicProvisioner } from '../../../provisioning/tenancy/schemas/public-provisioner.js';
import { SchemaProvisioner } from '../../../provisioning/tenancy/schemas/schema-provisioner.js';
import { TenantCatchUp } from '../../../provisioning/tenancy/schemas/tenant-catch-up.js';
import { TenantCopy } from '../../../provisioning/tenancy/schemas/tenant-copy.js';
import type { TenantStatus } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { ManagedDatabases } from '../../databases/managed-databases.js';
import { FreshTenants } from '../fresh-tenants.js';
import { accessTerms, type Tenant } from '../tenant.js';
import { TenantsRepository } from '../tenants.repository.js';

export interface TenantStepContext extends StepContext {
  readonly tenant: Tenant;
  readonly server: ManagedServer;
}

/** What the handlers of tenant operations are made of. */
@Injectable()
export class TenantTools {
  constructor(
    readonly operations: OperationsService,
    readonly repository: TenantsRepository,
    readonly schemas: SchemaProvisioner,
    readonly publicSchemas: PublicProvisioner,
    readonly hosts: HostProvisioner,
    readonly registry: Registry,
    readonly copy: TenantCopy,
    readonly catchUp: TenantCatchUp,
    readonly databases: ManagedDatabases,
    readonly aliases: PoolerAliases,
    readonly access: AccessSync,
    readonly clock: Clock,
    private readonly fresh: FreshTenants,
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  /** A step on the operation's tenant. A resumed one reads the row anew, so that it sees what others recorded. */
  step(name: string, work: (context: TenantStepContext) => Promise<void>): OperationStep {
    return {
      name,
      run: async (context) => {
        const tenant = this.fresh.take(context.operation) ?? (await this.get(context.operation));
        await work({ ...context, tenant, server: this.servers.get(tenant.serverId) });
      },
    };
  }

  /** A step that only some operations of its kind have. */
  stepIf(isNeeded: (operation: Operation) => boolean, step: OperationStep): OperationStep {
    return { ...step, isNeeded };
  }

  async get({ id, subjectId }: Operation, tx?: EntityManager): Promise<Tenant> {
    const tenant = subjectId && (await this.repository.find(subjectId, tx));
    if (!tenant) throw new Error(`the tenant of operation ${id} is gone`);
    return tenant;
  }

  /** Moves the operation's tenant to a status, from wherever the transition table lets it come. */
  move(tx: EntityManager, { subjectId }: Operation, to: TenantStatus): Promise<boolean> {
    return this.repository.move(tx, subjectId ?? '', to, this.clock.now());
  }

  /** Before a new tenant's first login: what nobody told the ports of is open to all. */
  async guard({ tenant, server }: TenantStepContext): Promise<void> {
    if (homeAccess(accessTerms(tenant), this.config.defaultAccess) !== 'open') await this.access.sync(server);
  }

  /** What the host's own registry says of the tenant, brought up to date. */
  async describe(server: ManagedServer, tenant: Tenant, status: TenantStatus): Promise<void> {
    const { schemaName, slug, name } = tenant;
    try {
      await this.registry.describe(server, tenant.databaseName, { schemaName, slug, name, status });
    } catch (error) {
      throw error instanceof SlugHeld ? await this.explainHeld(error) : error;
    }
  }

  /** A tenant that has given the slug up is about to do so in the registry too; anybody else keeps it. */
  private async explainHeld({ slug, holder, message }: SlugHeld): Promise<RowhouseError> {
    const tenant = await this.repository.find(holder);
    if (tenant && tenant.slug !== slug) return new RowhouseError('RESOURCE_BUSY', `${message}, for now.`);
    return new RowhouseError(
      'CONFLICT',
      `${message}, which Rowhouse does not know by it. Take another slug, or change the slug there.`,
    );
  }
}
