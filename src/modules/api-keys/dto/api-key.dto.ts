import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { SCOPES, type Scope } from '../../../http/scopes.js';
import type { ApiKeyEntity } from '../api-key.entity.js';

@ApiSchema({ name: 'ApiKey' })
export class ApiKeyDto {
  @ApiProperty({ format: 'uuid', example: '5f8c5d3e-4f0e-4a59-9d0c-6b1f3c1f5a10' })
  id!: string;

  @ApiProperty({ description: 'The public part of the key: `rh_<key_id>_<secret>`', example: 'k3v9x0a1b2c4' })
  key_id!: string;

  @ApiProperty({ example: 'deploy' })
  name!: string;

  @ApiProperty({ enum: SCOPES, enumName: 'Scope', isArray: true, example: ['databases:read'] })
  scopes!: Scope[];

  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'The tenants that the key is bound to; null when it is for all',
    example: null,
  })
  tenant_ids!: string[] | null;

  @ApiProperty({
    description: 'The networks that the key may be used from; empty when it may be used from anywhere',
    example: ['203.0.113.0/24'],
  })
  allowed_cidrs!: string[];

  @ApiProperty({ enum: ['active', 'expired', 'revoked'], enumName: 'ApiKeyStatus', example: 'active' })
  status!: 'active' | 'expired' | 'revoked';

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  expires_at!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  revoked_at!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Some seconds late',
    example: '2030-01-31T12:00:00.000Z',
  })
  last_used_at!: string | null;

  @ApiProperty({ format: 'date-time', example: '2030-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ description: 'The key_id of the key that made it, or `system`', example: 'environment' })
  created_by!: string;

  static of(key: ApiKeyEntity, now: Date): ApiKeyDto {
    return {
      id: key.id,
      key_id: key.keyId,
      name: key.name,
      scopes: key.scopes,
      tenant_ids: key.tenantIds,
      allowed_cidrs: key.allowedCidrs,
      status: statusOf(key, now),
      expires_at: key.expiresAt?.toISOString() ?? null,
      revoked_at: key.revokedAt?.toISOString() ?? null,
      last_used_at: key.lastUsedAt?.toISOString() ?? null,
      created_at: key.createdAt.toISOString(),
      created_by: key.createdBy,
    };
  }
}

@ApiSchema({ name: 'ApiKeyWithSecret' })
export class ApiKeyWithSecretDto extends ApiKeyDto {
  @ApiProperty({
    description: 'The key itself; this answer is the only one that shows it',
    example: 'rh_k3v9x0a1b2c4_0123456789abcdefghijABCDEFGHIJ0123456789',
  })
  key!: string;
}

function statusOf(key: ApiKeyEntity, now: Date): ApiKeyDto['status'] {
  if (key.revokedAt) return 'revoked';
  return key.expiresAt && key.expiresAt <= now ? 'expired' : 'active';
}
