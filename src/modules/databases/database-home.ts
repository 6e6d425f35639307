import type { DatabaseHome } from '../../provisioning/database-home.js';
import type { DatabaseEntity } from './database.entity.js';

/** What the provisioner needs to know of a database. */
export function toHome(database: DatabaseEntity): DatabaseHome {
  return {
    databaseName: database.databaseName,
    databaseOid: database.databaseOid,
    username: database.username,
    roleOid: database.roleOid,
    shadowDatabaseOid: database.shadowDatabaseOid,
    maxConnections: database.maxConnections,
    scramVerifier: database.scramVerifier,
    statementTimeoutMs: database.statementTimeoutMs,
    lockTimeoutMs: database.lockTimeoutMs,
    idleInTransactionTimeoutMs: database.idleInTransactionTimeoutMs,
    extensions: database.extensions,
  };
}
