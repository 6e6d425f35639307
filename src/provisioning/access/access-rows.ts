import type { EntityManager } from 'typeorm';
import type { DefaultAccess } from '../../config/config.js';
import type { ManagedServer } from '../managed-server.js';
import {
  FIND_GUARDED_DATABASES,
  FIND_GUARDED_TENANTS,
  FIND_INMATES,
  FIND_LOGIN_ROLES,
  FIND_PEERS,
  FIND_RULES,
  FIND_WARM_DATABASES,
} from './plan-sql.js';

export interface RuleRow {
  readonly id: string;
  readonly databaseId: string | null;
  readonly tenantId: string | null;
  readonly network: string;
  readonly isRemoved: boolean;
  readonly isExpired: boolean;
  readonly isApplied: boolean;
  /** Whether its end was put in force. */
  readonly isEnded: boolean;
}

export interface GuardedDatabaseRow {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly isHost: boolean;
}

export interface GuardedTenantRow {
  readonly id: string;
  readonly alias: string;
  readonly username: string | null;
  readonly host: string;
}

/** Something inside a guarded database that follows its rules. */
export interface InmateRow {
  readonly id: string | null;
  readonly databaseId: string;
  readonly alias: string;
  readonly username: string | null;
}

export interface WarmDatabaseRow {
  readonly name: string;
  readonly username: string;
}

export interface LoginRoleRow {
  readonly username: string;
  readonly networks: readonly string[] | null;
  /** The tenant in a schema that it belongs to. */
  readonly tenantId: string | null;
  readonly databaseId: string;
  readonly database: string;
  readonly alias: string | null;
}

export interface PeerRow {
  readonly port: 'direct' | 'pooled';
  readonly address: string;
}

/** All that the control database says about who may reach a server's homes. */
export interface AccessRows {
  readonly rules: readonly RuleRow[];
  readonly databases: readonly GuardedDatabaseRow[];
  readonly tenants: readonly GuardedTenantRow[];
  readonly inmates: readonly InmateRow[];
  readonly warmDatabases: readonly WarmDatabaseRow[];
  readonly loginRoles: readonly LoginRoleRow[];
  readonly peers: readonly PeerRow[];
}

/**
 * The rules come first: whoever changes one meanwhile asks for the next sync, so what is read after them may be newer,
 * never older.
 */
export async function readAccessRows(
  tx: EntityManager,
  { id }: ManagedServer,
  defaultAccess: DefaultAccess,
): Promise<AccessRows> {
  const isClosed = defaultAccess === 'closed';
  const rules: RuleRow[] = await tx.query(FIND_RULES, [id]);
  const listed = rules.filter((rule) => !rule.isRemoved);
  const databases: GuardedDatabaseRow[] = await tx.query(FIND_GUARDED_DATABASES, [
    id,
    idsOf(listed.map((rule) => rule.databaseId)),
    isClosed,
  ]);
  const tenants: GuardedTenantRow[] = await tx.query(FIND_GUARDED_TENANTS, [
    id,
    idsOf(listed.map((rule) => rule.tenantId)),
  ]);
  const inside = [idsOf(databases.map((row) => row.id)), idsOf(tenants.map((row) => row.id))];
  return {
    rules,
    databases,
    tenants,
    inmates: databases.length > 0 ? await tx.query(FIND_INMATES, inside) : [],
    warmDatabases: isClosed ? await tx.query(FIND_WARM_DATABASES, [id]) : [],
    loginRoles: await tx.query(FIND_LOGIN_ROLES, [id]),
    peers: await tx.query(FIND_PEERS, [id]),
  };
}

function idsOf(ids: readonly (string | null)[]): string[] {
  return [...new Set(ids.filter((id) => id !== null))];
}
