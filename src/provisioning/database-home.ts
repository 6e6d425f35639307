/** What the server side needs to know of a managed database. Built from a row of `databases` or `warm_databases`. */
export interface DatabaseHome {
  readonly databaseName: string;
  /** Null until the database was made and its OID recorded. */
  readonly databaseOid: number | null;
  readonly username: string;
  /** Null until the role was made and its OID recorded. */
  readonly roleOid: number | null;
  readonly shadowDatabaseOid: number | null;
  readonly maxConnections: number;
  readonly scramVerifier: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  readonly extensions: readonly string[];
}

/** A database and its role made ahead of demand, with their final names; the role cannot log in yet. */
export interface WarmDatabase {
  /** The password that its role has already, sealed; null where it has none. */
  readonly passwordCiphertext: string | null;
  readonly scramVerifier: string | null;
  readonly databaseName: string;
  readonly databaseOid: number;
  readonly username: string;
  readonly roleOid: number;
}
