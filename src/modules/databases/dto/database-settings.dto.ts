import { DeletionProtection, ExternalAccess, MaxConnections, Optional, TimeoutMs } from './fields.js';

/** What can be chosen at creation and changed later. */
export abstract class DatabaseSettingsDto {
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

  @ExternalAccess()
  externalAccess?: boolean | null;
}
