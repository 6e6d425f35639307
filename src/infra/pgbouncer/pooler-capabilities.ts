/** What a version of PgBouncer can do, after its release notes. */
export interface PoolerCapabilities {
  /** `1.18.0` */
  readonly version: string;
  /** The lookup function is needed in one database only (1.19). */
  readonly hasAuthDbname: boolean;
  /** Named prepared statements in transaction mode (1.21). */
  readonly hasPreparedStatements: boolean;
  /** `KILL_CLIENT` ends one client (1.24). */
  readonly canKillClient: boolean;
}

/** Reads the answer to SHOW VERSION: `PgBouncer 1.18.0`. */
export function poolerCapabilities(answer: string): PoolerCapabilities {
  const [version, major, minor] = /(\d+)\.(\d+)(?:\.\d+)?/.exec(answer) ?? [];
  if (version === undefined) throw new Error(`"${answer}" is no PgBouncer version`);
  const atLeast = (wanted: number) => Number(major) > 1 || Number(minor) >= wanted;
  return {
    version,
    hasAuthDbname: atLeast(19),
    hasPreparedStatements: atLeast(21),
    canKillClient: atLeast(24),
  };
}
