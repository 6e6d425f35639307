import { randomHex } from '../../kernel/ids.js';
import type { WarmDatabase } from '../../provisioning/database-home.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import { DatabaseEntity } from './database.entity.js';
import type { FreshCredentials } from './database-credentials.js';
import type { CreateDatabaseDto } from './dto/create-database.dto.js';

const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000;
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;
const DEFAULT_IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

export interface NewDatabase {
  readonly id: string;
  readonly server: ManagedServer;
  readonly dto: CreateDatabaseDto;
  readonly maxConnections: number;
  readonly credentials: FreshCredentials;
  readonly at: Date;
}

/** The row of a database to come: with a warm home's names and OIDs, or with fresh names. */
export function newDatabase(
  { id, server, dto, maxConnections, credentials, at }: NewDatabase,
  warm: WarmDatabase | null,
): DatabaseEntity {
  return Object.assign(new DatabaseEntity(), {
    id,
    serverId: server.id,
    friendlyName: dto.friendlyName,
    ownerEmail: dto.ownerEmail,
    ...(warm ?? freshNames()),
    status: 'creating',
    maxConnections,
    statementTimeoutMs: dto.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
    lockTimeoutMs: dto.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
    idleInTransactionTimeoutMs: dto.idleInTransactionTimeoutMs ?? DEFAULT_IDLE_IN_TRANSACTION_TIMEOUT_MS,
    extensions: dto.extensions ?? [],
    deletionProtection: dto.deletionProtection ?? false,
    scramVerifier: credentials.verifier,
    passwordCiphertext: credentials.ciphertext,
    createdAt: at,
    updatedAt: at,
  } satisfies Partial<DatabaseEntity>);
}

function freshNames() {
  const suffix = randomHex(4);
  return { databaseName: `tenant_${suffix}`, username: `user_${suffix}`, databaseOid: null, roleOid: null };
}
