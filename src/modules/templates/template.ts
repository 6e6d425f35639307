import type { TemplateVersion } from '../../provisioning/tenancy/templates/template-store.js';

export const TEMPLATE_STATUSES = ['active', 'retired'] as const;
export type TemplateStatus = (typeof TEMPLATE_STATUSES)[number];

/** A row of `templates`. */
export interface Template {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly status: TemplateStatus;
  /** 0 while there is none. */
  readonly latestVersion: number;
  /** What a database needs for the newest version; null where nobody has looked yet. */
  readonly extensions: readonly string[] | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A row of `template_versions`. */
export interface StoredVersion extends TemplateVersion {
  readonly description: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface VersionUse {
  readonly templateId: string;
  readonly version: number;
  readonly tenants: number;
}
