import type { ExpectedHome } from './expected-homes.js';

/** What may be wrong, and what it means. */
export const FINDINGS = {
  database_forgotten: 'A database that Rowhouse made, and that no row knows',
  database_missing: 'A database that a row knows, and the server does not have',
  database_replaced: 'Another database has the name',
  database_owner_changed: 'The database belongs to another role',
  database_flags_drifted: 'The database refuses connections, limits them or is declared a template',
  database_grants_drifted: 'Somebody may connect who should not, or the pooler may not',
  database_open_to_all: 'A database that is not Rowhouse’s lets every role connect, tenants too',
  shadow_missing: 'A shadow database that a row knows, and the server does not have',
  warm_database_missing: 'A database of the warm pool that the server does not have',
  role_forgotten: 'A role that Rowhouse made, and that no row knows',
  role_missing: 'A role that a row knows, and the server does not have',
  role_replaced: 'Another role has the name',
  role_drifted: 'The role’s attributes or its connection limit changed',
  role_settings_drifted: 'The role’s default timeouts changed',
  role_settings_elsewhere: 'The role has settings in databases that are not its home’s',
  role_password_drifted: 'The role’s password is not the one that Rowhouse gave',
  role_has_memberships: 'The role was made a member of other roles',
  host_role_drifted: 'A role in which Rowhouse alone works could be used by others',
  schema_missing: 'A tenant’s schema that the host does not have',
  schema_renamed: 'A tenant’s schema has another name',
  shared_missing: 'A host, or a tenant’s own database, lacks the schema shared',
  shared_owner_changed: 'Objects of the schema shared belong to another role than the provisioner',
  shared_has_others: 'Somebody put objects of their own into the schema shared',
  template_owner_changed: 'Objects of a template belong to another role than the provisioner',
  template_object_missing: 'A tenant’s own database lacks objects of its template',
  public_replaced: 'The schema public of a tenant’s own database is another one',
  provisioner_grants_drifted: 'The provisioner’s rights in the database were taken away',
  alias_missing: 'The pooler does not serve it',
  alias_drifted: 'The pooler serves it with another pool size or database',
  alias_unwanted: 'The pooler serves what has no home',
  alias_paused: 'The pooler has it paused or disabled',
  operation_missing: 'It is being created or deleted, and no operation works on it',
} as const satisfies Record<string, string>;

export type FindingKind = keyof typeof FINDINGS;

/** What a repair does; nothing is ever dropped. */
export type RepairAction =
  | { readonly type: 'restore_role' | 'recreate_role' | 'restore_database'; readonly home: ExpectedHome }
  | {
      readonly type: 'revoke_connect';
      readonly home: ExpectedHome;
      readonly database: string;
      readonly grantee: string;
    }
  | { readonly type: 'forget_shadow' | 'retire_warm'; readonly home: ExpectedHome }
  | {
      readonly type: 'reset_settings';
      readonly home: ExpectedHome;
      readonly role: string;
      readonly databases: readonly string[];
    }
  | { readonly type: 'restore_host_roles'; readonly databaseName: string }
  | {
      readonly type: 'restore_host_login';
      readonly databaseId: string;
      readonly username: string;
      readonly verifier: string;
    }
  /** In a host, or a tenant's own database: to the provisioner, with its grants. */
  | { readonly type: 'give_back'; readonly databaseId: string }
  | { readonly type: 'sync_aliases' }
  | { readonly type: 'resume_alias'; readonly alias: string };

export interface Finding {
  readonly kind: FindingKind;
  /** The database, role or alias. */
  readonly name: string;
  readonly databaseId: string | null;
  /** What exactly, without secrets. */
  readonly detail: string;
  /** Null: a person has to decide. */
  readonly action: RepairAction | null;
}
