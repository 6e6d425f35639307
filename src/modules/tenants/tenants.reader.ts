import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { decodeCursor, toPage } from '../../http/pagination.js';
import type { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { grants } from '../../http/scopes.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { formatConnection } from '../databases/connection-strings.js';
import type { ConnectionStringsQuery } from '../databases/dto/requests.dto.js';
import type { ListTenantsQuery } from './dto/requests.dto.js';
import type { TenantConnectionDto, TenantDto } from './dto/tenant.dto.js';
import { credentialName, type Tenant } from './tenant.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantsRepository } from './tenants.repository.js';

/** Everything that only looks. */
@Injectable()
export class TenantsReader {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: TenantsRepository,
    private readonly presenter: TenantPresenter,
    private readonly credentials: HomeCredentials,
    private readonly audit: AuditLog,
  ) {}

  /** Throws NOT_FOUND. */
  async getTenant(id: string): Promise<Tenant> {
    const tenant = await this.repository.find(id);
    if (!tenant) throw notFound('tenant', id);
    return tenant;
  }

  async get(id: string): Promise<TenantDto> {
    return this.presenter.tenant(await this.getTenant(id));
  }

  async list(
    { principal }: RequestContext,
    { cursor, ...filter }: ListTenantsQuery,
  ): Promise<Page<TenantDto>> {
    const { tenantIds } = principal;
    const rows = await this.repository.list({ ...filter, tenantIds }, decodeCursor(cursor));
    return toPage(rows, filter.limit, (tenant) => this.presenter.tenant(tenant));
  }

  /** Masked, or whole for a key with the scope `credentials:read`; whoever looks leaves an audit row. */
  async connectionStrings(
    context: RequestContext,
    id: string,
    { reveal, format }: ConnectionStringsQuery,
  ): Promise<TenantConnectionDto> {
    if (reveal && !grants(context.principal.scopes, 'credentials:read')) {
      throw new RowhouseError('INSUFFICIENT_SCOPE', 'Showing a password needs the scope credentials:read.');
    }
    const tenant = await this.getTenant(id);
    const password = reveal
      ? this.credentials.get(credentialName(tenant), tenant.passwordCiphertext)
      : undefined;
    if (reveal) await this.recordReveal(context, tenant);
    return {
      ...this.presenter.strings(tenant, password),
      revealed: reveal,
      ...(format && { format, formatted: formatConnection(this.presenter.target(tenant, password), format) }),
    };
  }

  private async recordReveal(context: RequestContext, { id }: Tenant): Promise<void> {
    await this.audit.record(this.dataSource.manager, context, {
      action: 'tenant.reveal_credentials',
      resourceType: 'tenant',
      resourceId: id,
      outcome: 'succeeded',
    });
  }
}
