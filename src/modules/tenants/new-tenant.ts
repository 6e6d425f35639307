import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import type { AccessTerms } from '../../provisioning/access/home-access.js';
import type { FreshCredentials } from '../../provisioning/home-credentials.js';
import type { StoredTemplate } from '../../provisioning/tenancy/templates/template-store.js';
import type { CreateTenantDto } from './dto/requests.dto.js';
import type { Tenant } from './tenant.js';

/** What was asked for, checked. */
export interface TenantWish {
  readonly dto: CreateTenantDto;
  readonly settings: RoleSettings;
  readonly template: StoredTemplate | null;
  /** The version to begin with; the template's newest but for clones with data. */
  readonly version: number;
  /** The tenant to copy. */
  readonly source: Tenant | null;
  readonly withData: boolean;
  readonly at: Date;
}

/** Where it shall live, and what of that exists already. */
export interface TenantPlan {
  readonly id: string;
  readonly serverId: string;
  readonly databaseId: string;
  readonly databaseName: string;
  readonly databaseOwner: string;
  readonly schemaName: string;
  readonly schemaOid: number | null;
  readonly username: string;
  readonly roleOid: number | null;
  readonly credentials: FreshCredentials;
  readonly hostTerms: AccessTerms | null;
}

/** The row of a tenant to come. */
export function newTenant(wish: TenantWish, { credentials, ...place }: TenantPlan): Tenant {
  const { dto, settings, template, version, source, at } = wish;
  return {
    ...place,
    slug: dto.slug,
    name: dto.name ?? dto.slug,
    isolation: dto.isolation ?? 'schema',
    login: 'own',
    status: 'creating',
    scramVerifier: credentials.verifier,
    passwordCiphertext: credentials.ciphertext,
    nextLogin: null,
    nextScramVerifier: null,
    nextPasswordCiphertext: null,
    ...settings,
    templateId: template?.id ?? null,
    templateVersion: template ? version : 0,
    deletionProtection: dto.deletionProtection ?? false,
    externalAccess: dto.externalAccess ?? null,
    whitelistSize: 0,
    metadata: dto.metadata ?? {},
    clonedFrom: source?.id ?? null,
    createdAt: at,
    updatedAt: at,
  };
}
