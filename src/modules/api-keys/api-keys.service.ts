import { Inject, Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import type { ListQuery } from '../../http/pagination.js';
import { toPage } from '../../http/pagination.js';
import { type Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Cidr } from '../../kernel/cidr.js';
import { Clock } from '../../kernel/clock.js';
import { invalidField, notFound, RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeyDto, type ApiKeyWithSecretDto } from './dto/api-key.dto.js';
import type { CreateApiKeyDto } from './dto/create-api-key.dto.js';
import { assertCovers } from './grant.js';
import { formatKey, newKey, newSecret } from './key-format.js';
import { BCRYPT_COST } from './stored-key-verifier.js';
import { VerifiedKeys } from './verified-keys.js';

/** Makes and ends API keys. Nobody can hand out, or take over, more rights than they have. */
@Injectable()
export class ApiKeysService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly keys: ApiKeysRepository,
    private readonly verified: VerifiedKeys,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  async create(context: RequestContext, dto: CreateApiKeyDto): Promise<Reply<ApiKeyWithSecretDto>> {
    const { entity, key } = await this.build(context, dto);
    assertCovers(context.principal, entity);
    await this.assertTenantsExist(entity.tenantIds ?? []);
    await this.keys.transaction((tx) => this.insert(tx, context, entity));
    const data = { ...this.present(entity), key };
    return new Reply(201, data, { message: 'Store the key now: it is not shown again.' });
  }

  /** Makes a key in the caller's transaction and returns it whole. */
  async createWithin(tx: EntityManager, context: RequestContext, dto: CreateApiKeyDto): Promise<string> {
    const { entity, key } = await this.build(context, dto);
    await this.insert(tx, context, entity);
    return key;
  }

  async list({ principal }: RequestContext, query: ListQuery): Promise<Page<ApiKeyDto>> {
    return toPage(await this.keys.list(query, principal.tenantIds), query.limit, (key) => this.present(key));
  }

  async get(context: RequestContext, id: string): Promise<ApiKeyDto> {
    return this.present(visible(context, await this.keys.find(id), id));
  }

  /** Revoking a revoked key changes nothing. */
  async revoke(context: RequestContext, id: string): Promise<ApiKeyDto> {
    const key = await this.keys.transaction(async (tx) => {
      await this.keys.lockAdmins(tx);
      const row = visible(context, await this.keys.findForUpdate(tx, id), id);
      if (row.revokedAt) return row;
      // To end a key that lives longer, or works from elsewhere, takes no such right.
      assertCovers({ ...context.principal, allowedCidrs: [], expiresAt: null }, row);
      await this.assertAdminRemains(tx, row);
      const revoked: ApiKeyEntity = { ...row, revokedAt: this.clock.now() };
      await this.keys.setRevoked(tx, id, revoked.revokedAt as Date);
      await this.record(tx, context, 'revoke', revoked, row);
      return revoked;
    });
    await this.verified.forget(key.keyId);
    return this.present(key);
  }

  /** Gives the key a new secret; the old one stops at once. */
  async rotate(context: RequestContext, id: string): Promise<ApiKeyWithSecretDto> {
    const secret = newSecret();
    const secretHash = await bcrypt.hash(secret, BCRYPT_COST);
    const key = await this.keys.transaction(async (tx) => {
      const row = visible(context, await this.keys.findForUpdate(tx, id), id);
      assertCovers(context.principal, row);
      if (row.revokedAt) throw new RowhouseError('CONFLICT', 'The key is revoked; create a new one.');
      await this.keys.setSecret(tx, id, secretHash);
      await this.record(tx, context, 'rotate', row);
      return row;
    });
    await this.verified.forget(key.keyId);
    return { ...this.present(key), key: formatKey({ keyId: key.keyId, secret }) };
  }

  private async build(context: RequestContext, dto: CreateApiKeyDto) {
    const { keyId, secret } = newKey();
    const now = this.clock.now();
    const expiresAt = dto.expiresAt === undefined ? null : new Date(dto.expiresAt);
    if (expiresAt && expiresAt <= now) throw invalidField('expiresAt', 'must be in the future');
    const entity: ApiKeyEntity = {
      id: newId(),
      keyId,
      name: dto.name,
      secretHash: await bcrypt.hash(secret, BCRYPT_COST),
      scopes: dto.scopes,
      tenantIds: dto.tenantIds?.map((id) => id.toLowerCase()) ?? null,
      allowedCidrs: canonical(dto.allowedCidrs ?? []),
      expiresAt,
      revokedAt: null,
      lastUsedAt: null,
      createdAt: now,
      createdBy: context.principal.id,
    };
    return { entity, key: formatKey({ keyId, secret }) };
  }

  private async assertTenantsExist(ids: readonly string[]): Promise<void> {
    const [unknown] = ids.length > 0 ? await this.keys.findUnknownTenants(ids) : [];
    if (unknown) throw invalidField('tenantIds', `there is no tenant with the id ${unknown}`);
  }

  private async insert(tx: EntityManager, context: RequestContext, entity: ApiKeyEntity): Promise<void> {
    await this.keys.insert(tx, entity);
    await this.record(tx, context, 'create', entity);
  }

  private async assertAdminRemains(tx: EntityManager, key: ApiKeyEntity): Promise<void> {
    if (!isAdmin(key) || this.config.apiKey !== null) return;
    if (await this.keys.hasAdmin(tx, key.id)) return;
    throw new RowhouseError('CONFLICT', 'This is the last working admin key; create another one first.');
  }

  private async record(
    tx: EntityManager,
    context: RequestContext,
    verb: string,
    after: ApiKeyEntity,
    before?: ApiKeyEntity,
  ): Promise<void> {
    await this.audit.record(tx, context, {
      action: `api-key.${verb}`,
      resourceType: 'api-key',
      resourceId: after.id,
      before: before && this.present(before),
      after: this.present(after),
      outcome: 'succeeded',
    });
  }

  private present(key: ApiKeyEntity): ApiKeyDto {
    return ApiKeyDto.of(key, this.clock.now());
  }
}

function isAdmin({ scopes, tenantIds }: ApiKeyEntity): boolean {
  return scopes.includes('*') && tenantIds === null;
}

function canonical(networks: readonly string[]): string[] {
  return [...new Set(networks.map((text) => String(Cidr.parse(text))))];
}

/** A tenant-bound key sees the keys that are bound to no other tenants. */
function visible({ principal }: RequestContext, key: ApiKeyEntity | null, id: string): ApiKeyEntity {
  const own = principal.tenantIds;
  const isVisible = own === null || key?.tenantIds?.every((tenantId) => own.includes(tenantId));
  if (!key || !isVisible) throw notFound('API key', id);
  return key;
}
