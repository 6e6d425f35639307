export type Isolation = 'schema' | 'database';
export type TenantStatus = 'creating' | 'active' | 'suspended' | 'deleting' | 'failed';

/** A tenant as the work over many of them sees it: where its tables are and which version they have. */
export interface TenantHome {
  readonly id: string;
  readonly slug: string;
  readonly isolation: Isolation;
  readonly status: TenantStatus;
  readonly serverId: string;
  readonly databaseId: string;
  /** The database on the server: the host of a schema, or the tenant's own. */
  readonly databaseName: string;
  /** `tenant_0001`; `public` with isolation `database`. */
  readonly schemaName: string;
  readonly schemaOid: number | null;
  /** The tenant's own login; with isolation `database` the database's owner. */
  readonly username: string;
  /** The alias of the pooled port: the schema's name, or the database's. */
  readonly alias: string;
  readonly templateId: string | null;
  /** The newest template version that it has; 0 is none. */
  readonly templateVersion: number;
}

export interface TenantFilter {
  readonly templateId?: string;
  readonly databaseId?: string;
  readonly ids?: readonly string[];
  readonly statuses?: readonly TenantStatus[];
  /** Only those with an older version than this. */
  readonly belowVersion?: number;
}
