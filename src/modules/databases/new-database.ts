import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import type { FreshCredentials } from '../../provisioning/home-credentials.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import { DatabaseEntity } from './database.entity.js';
import type { CreateDatabaseDto } from './dto/create-database.dto.js';

export interface NewDatabase {
  readonly id: string;
  readonly server: ManagedServer;
  readonly dto: CreateDatabaseDto;
  readonly settings: RoleSettings;
  readonly at: Date;
}

/** What a home is called, what exists of it already, and its password. */
export interface HomeInHand {
  readonly databaseName: string;
  readonly username: string;
  readonly databaseOid: number | null;
  readonly roleOid: number | null;
  readonly credentials: FreshCredentials;
}

/** The row of a database to come. */
export function newDatabase(
  { id, server, dto, settings, at }: NewDatabase,
  { credentials, ...home }: HomeInHand,
): DatabaseEntity {
  return Object.assign(new DatabaseEntity(), {
    id,
    serverId: server.id,
    friendlyName: dto.friendlyName,
    ownerEmail: dto.ownerEmail,
    ...home,
    login: 'own',
    status: 'creating',
    ...settings,
    extensions: dto.extensions ?? [],
    deletionProtection: dto.deletionProtection ?? false,
    externalAccess: dto.externalAccess ?? null,
    whitelistSize: 0,
    scramVerifier: credentials.verifier,
    passwordCiphertext: credentials.ciphertext,
    createdAt: at,
    updatedAt: at,
  } satisfies Partial<DatabaseEntity>);
}
