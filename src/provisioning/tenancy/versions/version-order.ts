import type { TemplateVersion } from '../templates/template-store.js';

/** A template version for one schema. */
export interface VersionOrder {
  readonly schemaName: string;
  /** The OID that the schema must have, so that another one under its name stays as it is; null asks for the name only. */
  readonly schemaOid: number | null;
  readonly version: TemplateVersion;
  /** For each lock, in milliseconds; 0 is none. */
  readonly lockTimeoutMs: number;
  /** For each statement, in milliseconds; 0 is none. */
  readonly statementTimeoutMs: number;
}

/** `already`: the schema had it before. */
export type VersionOutcome = 'applied' | 'already';
