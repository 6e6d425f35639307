import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LoginTurn } from '../../provisioning/logins/login-names.js';
import type { DatabaseStatus } from './database-status.js';

@Entity('databases')
export class DatabaseEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'server_id' })
  serverId!: string;

  @Column('text', { name: 'friendly_name' })
  friendlyName!: string;

  @Column('text', { name: 'owner_email' })
  ownerEmail!: string;

  @Column('text', { name: 'database_name' })
  databaseName!: string;

  @Column('int', { name: 'database_oid', nullable: true })
  databaseOid!: number | null;

  /** Its own role, which owns it; its clients log in as `loginName` says. */
  @Column('text')
  username!: string;

  @Column('text')
  login!: LoginTurn;

  @Column('int', { name: 'role_oid', nullable: true })
  roleOid!: number | null;

  @Column('text')
  status!: DatabaseStatus;

  @Column('integer', { name: 'max_connections' })
  maxConnections!: number;

  @Column('integer', { name: 'statement_timeout_ms' })
  statementTimeoutMs!: number;

  @Column('integer', { name: 'lock_timeout_ms' })
  lockTimeoutMs!: number;

  @Column('integer', { name: 'idle_in_transaction_timeout_ms' })
  idleInTransactionTimeoutMs!: number;

  @Column('text', { array: true })
  extensions!: string[];

  @Column('boolean', { name: 'deletion_protection' })
  deletionProtection!: boolean;

  @Column('boolean', { name: 'external_access', nullable: true })
  externalAccess!: boolean | null;

  @Column('integer', { name: 'whitelist_size' })
  whitelistSize!: number;

  @Column('text', { name: 'scram_verifier' })
  scramVerifier!: string;

  @Column('text', { name: 'password_ciphertext', nullable: true })
  passwordCiphertext!: string | null;

  @Column('int', { name: 'shadow_database_oid', nullable: true })
  shadowDatabaseOid!: number | null;

  @Column('timestamptz', { name: 'shadow_created_at', nullable: true })
  shadowCreatedAt!: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;
}
