import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { MASK } from '../../kernel/masking.js';
import { homeAccess } from '../../provisioning/access/home-access.js';
import { loginName } from '../../provisioning/logins/login-names.js';
import type { Overlap } from '../../provisioning/logins/login-store.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { type ConnectionTarget, connectionStrings } from './connection-strings.js';
import type { DatabaseEntity } from './database.entity.js';
import type {
  CredentialsDto,
  DatabaseDto,
  DatabaseWithPasswordDto,
  DeletedDatabaseDto,
  PreviousDto,
  RotatedCredentialsDto,
} from './dto/database.dto.js';

/** Turns rows into answers. Without a password, the strings are masked. */
@Injectable()
export class DatabasePresenter {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  target(database: DatabaseEntity, password: string = MASK): ConnectionTarget {
    const { host, port, pooler } = this.servers.configOf(database.serverId);
    const { publicHost } = this.config;
    return {
      databaseName: database.databaseName,
      username: loginName(database),
      password,
      direct: { host: publicHost ?? host, port },
      pooled: pooler && { host: publicHost ?? pooler.host, port: pooler.port },
      schema: null,
      canHaveShadow: true,
    };
  }

  database(database: DatabaseEntity, password?: string): DatabaseDto {
    return {
      id: database.id,
      database_name: database.databaseName,
      username: loginName(database),
      owner_email: database.ownerEmail,
      friendly_name: database.friendlyName,
      max_connections: database.maxConnections,
      status: database.status,
      statement_timeout_ms: database.statementTimeoutMs,
      lock_timeout_ms: database.lockTimeoutMs,
      idle_in_transaction_timeout_ms: database.idleInTransactionTimeoutMs,
      extensions: database.extensions,
      deletion_protection: database.deletionProtection,
      external_access: database.externalAccess,
      access: homeAccess({ ...database, host: null }, this.config.defaultAccess),
      ...connectionStrings(this.target(database, password)),
      shadow_created_at: database.shadowCreatedAt?.toISOString() ?? null,
      created_at: database.createdAt.toISOString(),
      updated_at: database.updatedAt.toISOString(),
    };
  }

  databaseWithPassword(database: DatabaseEntity, password: string): DatabaseWithPasswordDto {
    return { ...this.database(database, password), password };
  }

  credentials(database: DatabaseEntity, password: string): CredentialsDto {
    const { id } = database;
    const strings = connectionStrings(this.target(database, password));
    return { id, username: loginName(database), password, ...strings };
  }

  rotated(database: DatabaseEntity, password: string, overlap: Overlap | null): RotatedCredentialsDto {
    return { ...this.credentials(database, password), previous: overlap && toPrevious(overlap) };
  }

  deleted(database: DatabaseEntity): DeletedDatabaseDto {
    return { id: database.id, database_name: database.databaseName, status: 'deleted' };
  }
}

export function toPrevious({ username, endsAt }: Overlap): PreviousDto {
  return { username, ends_at: endsAt.toISOString() };
}
