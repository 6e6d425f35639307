import type { ServerConfig } from '../config/config.js';
import type { PoolerFlaw } from '../infra/pgbouncer/known-flaws.js';
import type { PgBouncerAdmin } from '../infra/pgbouncer/pgbouncer-admin.js';
import type { PostgresAdmin } from '../infra/postgres/postgres-admin.js';

/** What was read from the server when it was prepared. */
export interface ServerFacts {
  /** As `server_version_num` gives it: 150018 is 15.18. */
  readonly serverVersionNum: number;
  readonly maxConnections: number;
  /** Connections that the server keeps for superusers and reserved roles. */
  readonly reservedConnections: number;
  /** Such as `1.18.0`; null without a pooler. */
  readonly poolerVersion: string | null;
  /** Known vulnerabilities of the pooler's version. */
  readonly poolerFlaws: readonly PoolerFlaw[];
  readonly canKillClient: boolean;
  readonly hasAuthDbname: boolean;
}

/** A PostgreSQL server that is prepared for homes, with the pooler in front of it. */
export interface ManagedServer {
  readonly id: string;
  readonly name: string;
  readonly config: ServerConfig;
  readonly postgres: PostgresAdmin;
  readonly pooler: PgBouncerAdmin | null;
  readonly facts: ServerFacts;
}
