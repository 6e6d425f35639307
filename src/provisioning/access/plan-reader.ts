import type { EntityManager } from 'typeorm';
import type { DefaultAccess } from '../../config/config.js';
import { Cidr } from '../../kernel/cidr.js';
import { groupBy } from '../../kernel/group-by.js';
import { DatabaseName } from '../../kernel/identifiers.js';
import type { ManagedServer } from '../managed-server.js';
import { hostRoles } from '../tenancy/hosts/host-roles.js';
import type { AccessPlan, AccessPort, AdmittingRule, GuardedHome, GuardedLogins } from './access-plan.js';
import {
  type AccessRows,
  type GuardedDatabaseRow,
  type GuardedTenantRow,
  type LoginRoleRow,
  type RulesRow,
  readAccessRows,
} from './access-rows.js';

/** What shall be in force on a server, whether it is yet or not. */
export async function readAccessPlan(
  tx: EntityManager,
  server: ManagedServer,
  defaultAccess: DefaultAccess,
): Promise<AccessPlan> {
  return toAccessPlan(await readAccessRows(tx, server, defaultAccess));
}

/** An expired rule admits nobody, and its home stays guarded; one that was removed does neither. */
export function toAccessPlan(rows: AccessRows): AccessPlan {
  const rules = admittingRules(rows.rules);
  return {
    logins: [
      ...rows.tenants.map((tenant) => tenantLogins(rows, tenant, rules.get(tenant.id) ?? [])),
      ...rows.loginRoles.flatMap((role) => (role.networks ? [ownLogin(role, role.networks)] : [])),
    ],
    homes: [
      ...databaseHomes(rows, rules),
      ...rows.warmDatabases.map(({ name, username }) => home({ name, roles: [username] })),
    ],
    directPeers: peers(rows, 'direct'),
    pooledPeers: peers(rows, 'pooled'),
  };
}

function tenantLogins(
  { loginRoles }: AccessRows,
  { id, alias, username, host }: GuardedTenantRow,
  rules: readonly AdmittingRule[],
): GuardedLogins {
  const further = loginRoles.filter((role) => role.tenantId === id && !role.networks);
  return {
    databases: [host],
    aliases: [alias],
    ownAliases: [alias],
    roles: present([username, ...further.map((role) => role.username)]),
    rules,
  };
}

function ownLogin({ username, database, alias }: LoginRoleRow, networks: readonly string[]): GuardedLogins {
  return {
    databases: alias ? [database] : withShadow(database),
    aliases: alias ? [alias] : withShadow(database),
    ownAliases: [],
    roles: [username],
    rules: networks.map((network) => ({ id: null, network: Cidr.parse(network) })),
  };
}

function databaseHomes(
  rows: AccessRows,
  rules: ReadonlyMap<string, readonly AdmittingRule[]>,
): GuardedHome[] {
  const inmates = groupBy(rows.inmates, (inmate) => inmate.databaseId);
  const guarded = new Set(rows.tenants.map(({ id }) => id));
  const following = rows.loginRoles.filter(
    ({ networks, tenantId }) => !networks && !(tenantId && guarded.has(tenantId)),
  );
  const logins = groupBy(following, (role) => role.databaseId);
  return rows.databases.map((database) => {
    const inside = inmates.get(database.id) ?? [];
    const roles = [...inside, ...(logins.get(database.id) ?? [])].map(({ username }) => username);
    return home({
      name: database.name,
      roles: present([...ownRoles(database), ...roles]),
      aliases: inside.map(({ alias }) => alias),
      rules: rules.get(database.id) ?? [],
    });
  });
}

function home({
  name,
  roles,
  aliases = [],
  rules = [],
}: {
  name: string;
  roles: readonly string[];
  aliases?: readonly string[];
  rules?: readonly AdmittingRule[];
}): GuardedHome {
  const databases = withShadow(name);
  return { databases, aliases: [...databases, ...aliases], roles, rules };
}

function ownRoles({ name, username, isHost }: GuardedDatabaseRow): string[] {
  if (!isHost) return [username];
  const { app, readonly, worker } = hostRoles(name);
  return [username, app.value, readonly.value, worker.value];
}

/** The name is guarded before the shadow database is there. */
function withShadow(name: string): string[] {
  return [name, DatabaseName.of(name).shadow.value];
}

/** For each home's id. Networks are often the same, and reading one is most of the work. */
function admittingRules(rows: readonly RulesRow[]): Map<string, AdmittingRule[]> {
  const networks = new Map<string, Cidr>();
  const read = (text: string) => {
    const network = networks.get(text) ?? Cidr.parse(text);
    networks.set(text, network);
    return network;
  };
  return new Map(
    rows.map(({ databaseId, tenantId, inForce }) => [
      databaseId ?? tenantId ?? '',
      (inForce ?? []).map(([id, network]) => ({ id, network: read(network) })),
    ]),
  );
}

function peers(rows: AccessRows, port: AccessPort): Cidr[] {
  return rows.peers.filter((peer) => peer.port === port).map(({ address }) => Cidr.parse(address));
}

function present(names: readonly (string | null)[]): string[] {
  return names.filter((name) => name !== null);
}
