import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { readHostTerms } from '../../provisioning/access/host-terms.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { nextSchemaName, type WarmSchema } from '../../provisioning/tenancy/schemas/warm-schema-stock.js';
import { WarmSchemas } from '../../provisioning/tenancy/schemas/warm-schemas.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import { Placement } from '../hosts/placement.service.js';
import { WhitelistCopies } from '../whitelists/whitelist-copies.js';
import type { HomeRef } from '../whitelists/whitelist-home.js';
import { FreshTenants } from './fresh-tenants.js';
import { newTenant, type TenantPlan, type TenantWish } from './new-tenant.js';
import type { Tenant } from './tenant.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantsRepository } from './tenants.repository.js';

export interface Creation {
  readonly tenant: Tenant;
  readonly operation: Operation;
  /** Operations that it waits for, which this process shall begin. */
  readonly before: readonly Operation[];
  /** In memory only, for the answer. */
  readonly password: string;
}

export interface SchemaPlace {
  /** The host that the caller chose; null where the group chooses. */
  readonly databaseId: string | null;
  readonly groupId: string | null;
  /** Whether a finished schema would do. */
  readonly canBeWarm: boolean;
}

/** The control transaction that begins a tenant: row, operation and audit row. */
@Injectable()
export class TenantCreation {
  constructor(
    private readonly repository: TenantsRepository,
    private readonly presenter: TenantPresenter,
    private readonly placement: Placement,
    private readonly databases: ManagedDatabases,
    private readonly warm: WarmSchemas,
    private readonly credentials: HomeCredentials,
    private readonly whitelists: WhitelistCopies,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
    private readonly fresh: FreshTenants,
  ) {}

  /** Null when no hosting database of the group has room. */
  async beginSchema(
    tx: EntityManager,
    context: RequestContext,
    { wish, place, serverId }: { wish: TenantWish; place: SchemaPlace; serverId: string },
  ): Promise<Creation | null> {
    const stocked =
      place.canBeWarm && wish.template ? await this.warm.claim(tx, wish.template.id, place) : null;
    if (stocked) return this.beginClaimed(tx, context, { wish, stocked, serverId });
    const plan = await this.plan(tx, { place, templateId: wish.template?.id ?? null, serverId });
    if (!plan) return null;
    const kind = wish.withData ? 'tenant.clone' : 'tenant.create';
    return this.begin(tx, context, { wish, plan, kind, input: {} });
  }

  /** A tenant with a database of its own, whose creation is an operation of its own. */
  async beginDatabase(
    tx: EntityManager,
    context: RequestContext,
    { wish, ownerEmail }: { wish: TenantWish; ownerEmail: string },
  ): Promise<Creation> {
    const database = await this.databases.prepare({
      ...wish.settings,
      friendlyName: wish.dto.name ?? wish.dto.slug,
      ownerEmail,
      extensions: wish.dto.extensions,
      externalAccess: wish.dto.externalAccess,
    });
    // The request's Idempotency-Key belongs to the tenant's own operation.
    const making = await this.databases.begin(tx, { ...context, idempotencyKey: null }, database);
    const { id: databaseId, serverId, databaseName, username, scramVerifier } = making.database;
    const plan: TenantPlan = {
      id: newId(),
      serverId,
      databaseId,
      databaseName,
      databaseOwner: username,
      schemaName: 'public',
      schemaOid: null,
      username,
      roleOid: null,
      credentials: { password: making.password, verifier: scramVerifier, ciphertext: null },
      hostTerms: null,
    };
    const creation = await this.begin(tx, context, {
      wish,
      plan,
      kind: 'tenant.create_database',
      input: {
        databaseOperationId: making.operation.id,
        template: wish.template !== null,
        copy: wish.withData,
      },
    });
    return { ...creation, before: [making.operation] };
  }

  private async beginClaimed(
    tx: EntityManager,
    context: RequestContext,
    { wish, stocked, serverId }: { wish: TenantWish; stocked: WarmSchema; serverId: string },
  ): Promise<Creation> {
    const password = this.credentials.find(stocked.schemaName, stocked.passwordCiphertext);
    const { scramVerifier: verifier, passwordCiphertext: ciphertext } = stocked;
    const credentials =
      password === null
        ? await this.credentials.generate(stocked.schemaName)
        : { password, verifier, ciphertext };
    const hostTerms = await readHostTerms(tx, stocked.databaseId);
    const plan: TenantPlan = { ...stocked, databaseOwner: '', serverId, credentials, hostTerms };
    return this.begin(tx, context, {
      wish: { ...wish, version: stocked.templateVersion },
      plan,
      kind: 'tenant.claim',
      input: { hasPassword: password !== null },
    });
  }

  private async plan(
    tx: EntityManager,
    { place, templateId, serverId }: { place: SchemaPlace; templateId: string | null; serverId: string },
  ): Promise<TenantPlan | null> {
    const host = place.databaseId
      ? await this.placement.takeHost(tx, place.databaseId)
      : await this.placement.findHost(tx, place.groupId ?? '', templateId);
    if (!host) return null;
    const schemaName = await nextSchemaName(tx);
    return {
      id: newId(),
      serverId,
      databaseId: host.databaseId,
      databaseName: host.databaseName,
      databaseOwner: host.ownerRole,
      schemaName,
      schemaOid: null,
      username: schemaName,
      roleOid: null,
      credentials: await this.credentials.generate(schemaName),
      hostTerms: { externalAccess: host.externalAccess, whitelistSize: host.whitelistSize, host: null },
    };
  }

  private async begin(
    tx: EntityManager,
    context: RequestContext,
    { wish, plan, kind, input }: BeginOptions,
  ): Promise<Creation> {
    const inserted = newTenant(wish, plan);
    await this.repository.insert(tx, inserted);
    const { source } = wish;
    const whitelistSize = source ? await this.whitelists.copy(tx, homeOf(source), homeOf(inserted)) : 0;
    const tenant = { ...inserted, whitelistSize };
    const operation = await this.operations.create(tx, context, {
      kind,
      subjectType: 'tenant',
      subjectId: tenant.id,
      input,
    });
    this.fresh.keep(operation, tenant);
    await this.audit.record(tx, context, {
      action: wish.source ? 'tenant.clone' : 'tenant.create',
      resourceType: 'tenant',
      resourceId: tenant.id,
      operationId: operation.id,
      after: this.presenter.tenant(tenant),
      outcome: 'accepted',
    });
    return { tenant, operation, before: [], password: plan.credentials.password };
  }
}

interface BeginOptions {
  readonly wish: TenantWish;
  readonly plan: TenantPlan;
  readonly kind: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What has the whitelist. */
function homeOf({ isolation, id, databaseId }: Tenant): HomeRef {
  return isolation === 'database' && databaseId
    ? { kind: 'database', id: databaseId }
    : { kind: 'tenant', id };
}
