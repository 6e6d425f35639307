import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import type { AccessTerms } from '../../provisioning/access/home-access.js';
import type { LoginTurn } from '../../provisioning/logins/login-names.js';
import type { Isolation, TenantStatus } from '../../provisioning/tenancy/schemas/tenant-home.js';

/** A row of `tenants` with what the row of its database adds. */
export interface Tenant extends RoleSettings {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly isolation: Isolation;
  /** With isolation `database`, once it is made, the status of that database. */
  readonly status: TenantStatus;
  readonly serverId: string;
  /** Null when the tenant's own database is gone already. */
  readonly databaseId: string | null;
  readonly databaseName: string;
  readonly databaseOwner: string;
  readonly schemaName: string;
  readonly schemaOid: number | null;
  /** Its own role, which its tables are granted to; its clients log in as `loginName` says. */
  readonly username: string;
  readonly login: LoginTurn;
  readonly roleOid: number | null;
  readonly scramVerifier: string;
  readonly passwordCiphertext: string | null;
  /** Whose the next credentials are; null while there are none. */
  readonly nextLogin: LoginTurn | null;
  readonly nextScramVerifier: string | null;
  readonly nextPasswordCiphertext: string | null;
  readonly templateId: string | null;
  readonly templateVersion: number;
  readonly deletionProtection: boolean;
  /** With isolation `database`, both are those of that database. */
  readonly externalAccess: boolean | null;
  readonly whitelistSize: number;
  /** The terms of the hosting database, for a tenant with a schema. */
  readonly hostTerms: AccessTerms | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly clonedFrom: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Who may reach it, and who else decides that. */
export function accessTerms({ externalAccess, whitelistSize, hostTerms }: Tenant): AccessTerms {
  return { externalAccess, whitelistSize, host: hostTerms };
}

/** What HomeCredentials seals a tenant's password for. */
export function credentialName({ isolation, databaseName, schemaName }: TenantPlace): string {
  return isolation === 'schema' ? schemaName : databaseName;
}

/** What the pooled port calls it. */
export function aliasOf(tenant: TenantPlace): string {
  return credentialName(tenant);
}

type TenantPlace = Pick<Tenant, 'isolation' | 'databaseName' | 'schemaName'>;
