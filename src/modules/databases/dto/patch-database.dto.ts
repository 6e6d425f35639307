import {
  DeletionProtection,
  FriendlyName,
  MaxConnections,
  Optional,
  OwnerEmail,
  TimeoutMs,
} from './fields.js';

/** What is left out stays as it is. */
export class PatchDatabaseDto {
  @Optional('friendlyName')
  @FriendlyName({ required: false })
  friendlyName?: string;

  @Optional('ownerEmail')
  @OwnerEmail({ required: false })
  ownerEmail?: string;

  @Optional('maxConnections')
  @MaxConnections()
  maxConnections?: number;

  @Optional('statementTimeoutMs')
  @TimeoutMs('statement_timeout', 30_000)
  statementTimeoutMs?: number;

  @Optional('lockTimeoutMs')
  @TimeoutMs('lock_timeout', 10_000)
  lockTimeoutMs?: number;

  @Optional('idleInTransactionTimeoutMs')
  @TimeoutMs('idle_in_transaction_session_timeout', 60_000)
  idleInTransactionTimeoutMs?: number;

  @Optional('deletionProtection')
  @DeletionProtection()
  deletionProtection?: boolean;
}
