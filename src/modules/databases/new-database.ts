import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import type { WarmDatabase } from '../../provisioning/database-home.js';
import { freshHomeNames } from '../../provisioning/home-names.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import { DatabaseEntity } from './database.entity.js';
import type { FreshCredentials } from './database-credentials.js';
import type { CreateDatabaseDto } from './dto/create-database.dto.js';

export interface NewDatabase {
  readonly id: string;
  readonly server: ManagedServer;
  readonly dto: CreateDatabaseDto;
  readonly settings: RoleSettings;
  readonly credentials: FreshCredentials;
  readonly at: Date;
}

/** The row of a database to come: with a warm home's names and OIDs, or with fresh names. */
export function newDatabase(
  { id, server, dto, settings, credentials, at }: NewDatabase,
  warm: WarmDatabase | null,
): DatabaseEntity {
  return Object.assign(new DatabaseEntity(), {
    id,
    serverId: server.id,
    friendlyName: dto.friendlyName,
    ownerEmail: dto.ownerEmail,
    ...(warm ?? { ...freshHomeNames(), databaseOid: null, roleOid: null }),
    status: 'creating',
    ...settings,
    extensions: dto.extensions ?? [],
    deletionProtection: dto.deletionProtection ?? false,
    scramVerifier: credentials.verifier,
    passwordCiphertext: credentials.ciphertext,
    createdAt: at,
    updatedAt: at,
  } satisfies Partial<DatabaseEntity>);
}
