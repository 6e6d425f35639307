import type { DataSource, EntityManager } from 'typeorm';
import { SCRATCH_DATABASE } from '../marks.js';
import { hostRoles } from '../tenancy/hosts/host-roles.js';
import type { ExpectedHome } from './expected-homes.js';

/** A tenant schema, or one in stock. Its `home` is its login: the database's name there is the alias, the schema's name. */
export interface ExpectedTenant extends ExpectedHome {
  readonly hostName: string;
  readonly schemaOid: number | null;
}

export interface HostLogin {
  readonly databaseId: string;
  readonly username: string;
  readonly verifier: string;
}

/** What tenants need on a server. */
export interface ExpectedTenancy {
  readonly tenants: readonly ExpectedTenant[];
  /** Databases with the roles of a host around them. */
  readonly hostNames: ReadonlySet<string>;
  /** The logins that hosts share out, with what they have for a password. */
  readonly hostLogins: readonly HostLogin[];
  /** Logins of leak self-tests, which come and go. */
  readonly probeNames: readonly string[];
}

interface TenantRow {
  readonly id: string;
  readonly kind: 'tenant' | 'warm_schema';
  readonly status: string;
  readonly isBusy: boolean;
  readonly hostName: string;
  readonly schemaName: string;
  readonly schemaOid: number | null;
  readonly username: string;
  readonly roleOid: number | null;
  readonly maxConnections: number;
  readonly scramVerifier: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  readonly ownVerifier: string | null;
}

const SELECT_TENANTS = `
  SELECT t.id, 'tenant' AS kind, t.status,
         EXISTS (SELECT FROM operations o WHERE o.subject_id = t.id AND o.state IN ('pending', 'running')) AS "isBusy",
         d.database_name AS "hostName", t.schema_name AS "schemaName", t.schema_oid AS "schemaOid",
         t.username, t.role_oid AS "roleOid", t.max_connections AS "maxConnections", t.scram_verifier AS "scramVerifier",
         t.statement_timeout_ms AS "statementTimeoutMs", t.lock_timeout_ms AS "lockTimeoutMs",
         t.idle_in_transaction_timeout_ms AS "idleInTransactionTimeoutMs",
         CASE t.login WHEN 'own' THEN t.scram_verifier
              ELSE (SELECT o.scram_verifier FROM login_overlaps o WHERE o.tenant_id = t.id) END AS "ownVerifier"
  FROM tenants t JOIN databases d ON d.id = t.database_id`;

const SELECT_STOCK = `
  SELECT w.id, 'warm_schema' AS kind, w.state AS status, w.state <> 'ready' AS "isBusy", d.database_name AS "hostName",
         w.schema_name AS "schemaName", w.schema_oid AS "schemaOid", w.username, w.role_oid AS "roleOid",
         $1::integer AS "maxConnections", coalesce(w.scram_verifier, '') AS "scramVerifier",
         0 AS "statementTimeoutMs", 0 AS "lockTimeoutMs", 0 AS "idleInTransactionTimeoutMs",
         NULL AS "ownVerifier"
  FROM warm_schemas w JOIN databases d ON d.id = w.database_id`;

/** Hosts, and tenants' own databases that carry a template. */
const SELECT_HOSTS = `
  SELECT d.database_name AS name FROM hosts h JOIN databases d ON d.id = h.database_id WHERE d.server_id = $1
  UNION
  SELECT d.database_name FROM tenants t JOIN databases d ON d.id = t.database_id
  WHERE d.server_id = $1 AND t.isolation = 'database' AND t.template_id IS NOT NULL`;

const SELECT_HOST_LOGINS = `
  SELECT d.id AS "databaseId", d.database_name || '_' || l.suffix AS username, l.verifier
  FROM hosts h JOIN databases d ON d.id = h.database_id,
    LATERAL (VALUES ('app', h.app_verifier), ('readonly', h.readonly_verifier)) AS l (suffix, verifier)
  WHERE d.server_id = $1 AND h.status = 'ready'
    AND NOT EXISTS (SELECT FROM operations o WHERE o.subject_id = h.id AND o.state IN ('pending', 'running'))`;

const SELECT_PROBES = `
  SELECT p.alias || '_' || s.suffix AS name FROM leak_probes p, (VALUES ('a'), ('b')) AS s (suffix)
  WHERE p.server_id = $1`;

export async function readExpectedTenancy(
  dataSource: DataSource,
  serverId: string,
  stockMaxConnections: number,
): Promise<ExpectedTenancy> {
  const tenants: TenantRow[] = await dataSource.query(
    `${SELECT_TENANTS} WHERE t.server_id = $1 AND t.isolation = 'schema'`,
    [serverId],
  );
  const stock: TenantRow[] = await dataSource.query(`${SELECT_STOCK} WHERE w.server_id = $2`, [
    stockMaxConnections,
    serverId,
  ]);
  const hosts = await readHostNames(dataSource, serverId);
  const hostLogins: HostLogin[] = await dataSource.query(SELECT_HOST_LOGINS, [serverId]);
  const probes: { name: string }[] = await dataSource.query(SELECT_PROBES, [serverId]);
  return {
    tenants: [...tenants, ...stock].map(toExpected),
    hostNames: new Set([...hosts, SCRATCH_DATABASE]),
    hostLogins,
    probeNames: probes.map(({ name }) => name),
  };
}

export async function readHostNames(dataSource: DataSource, serverId: string): Promise<string[]> {
  const hosts: { name: string }[] = await dataSource.query(SELECT_HOSTS, [serverId]);
  return hosts.map(({ name }) => name);
}

/** One tenant or schema in stock, locked, so that no operation begins on it and nobody claims it; null when it is gone. */
export async function lockExpectedTenant(
  tx: EntityManager,
  { id, kind, home }: ExpectedHome,
): Promise<ExpectedTenant | null> {
  const [row]: TenantRow[] =
    kind === 'tenant'
      ? await tx.query(`${SELECT_TENANTS} WHERE t.id = $1 FOR UPDATE OF t`, [id])
      : await tx.query(`${SELECT_STOCK} WHERE w.id = $2 FOR UPDATE OF w`, [home.maxConnections, id]);
  return row ? toExpected(row) : null;
}

/** The names of the roles around each host. */
export function hostRoleNames(hostNames: ReadonlySet<string>): string[] {
  return [...hostNames].flatMap((name) => Object.values(hostRoles(name)).map(String));
}

function toExpected({
  hostName,
  schemaName,
  schemaOid,
  id,
  kind,
  status,
  isBusy,
  ownVerifier,
  ...login
}: TenantRow): ExpectedTenant {
  const home = {
    ...login,
    databaseName: schemaName,
    databaseOid: null,
    shadowDatabaseOid: null,
    extensions: [],
  };
  return { id, kind, status, isBusy, ownVerifier, home, hostName, schemaOid };
}
