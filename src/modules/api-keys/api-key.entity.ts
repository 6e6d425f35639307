import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Scope } from '../../http/scopes.js';

@Entity('api_keys')
export class ApiKeyEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** The public part of the key, between `rh_` and the secret. */
  @Column('text', { name: 'key_id' })
  keyId!: string;

  @Column('text')
  name!: string;

  /** bcrypt. */
  @Column('text', { name: 'secret_hash' })
  secretHash!: string;

  @Column('text', { array: true })
  scopes!: Scope[];

  /** The tenants that it is bound to; null when it is for all. */
  @Column('uuid', { name: 'tenant_ids', array: true, nullable: true })
  tenantIds!: string[] | null;

  /** Canonical networks; empty means that it may be used from anywhere. */
  @Column('text', { name: 'allowed_cidrs', array: true })
  allowedCidrs!: string[];

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;

  @Column('timestamptz', { name: 'last_used_at', nullable: true })
  lastUsedAt!: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** The public id of the key that made it, or `system`. */
  @Column('text', { name: 'created_by' })
  createdBy!: string;
}
