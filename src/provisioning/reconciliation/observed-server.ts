import type { PoolerDatabase } from '../../infra/pgbouncer/pgbouncer-admin.js';
import type { ManagedServer } from '../managed-server.js';

export interface ObservedDatabase {
  readonly oid: number;
  readonly name: string;
  readonly owner: string;
  readonly ownerMark: string | null;
  readonly allowsConnections: boolean;
  readonly isTemplate: boolean;
  readonly connectionLimit: number;
  /** Whoever enters it waits: it is being dropped, or was dropped in part. */
  readonly isBeingDropped: boolean;
  /** Who else than the owner has been granted something on it; PUBLIC is the empty name. */
  readonly grantees: readonly string[];
}

export interface ObservedRole {
  readonly oid: number;
  readonly name: string;
  readonly mark: string | null;
  /** Has an attribute that no home's role has. */
  readonly hasPower: boolean;
  readonly canLogin: boolean;
  readonly connectionLimit: number;
  readonly verifier: string | null;
  /** Infinity is a number; null is none. */
  readonly validUntil: Date | number | null;
  /** `name=value`, as ALTER ROLE … SET stored them for all databases. */
  readonly settings: readonly string[];
  /** The databases for which it has stored settings of its own. */
  readonly settingsIn: readonly string[];
  readonly memberOf: readonly string[];
}

export interface ObservedServer {
  readonly databases: readonly ObservedDatabase[];
  readonly roles: readonly ObservedRole[];
  /** Null where there is no pooler, or one whose entries are not Rowhouse's. */
  readonly aliases: readonly PoolerDatabase[] | null;
  /** For each host the schemas' names by OID. */
  readonly schemas: ReadonlyMap<string, ReadonlyMap<number, string>>;
}

const SELECT_DATABASES = `
  SELECT d.oid, d.datname AS name, r.rolname AS owner,
         pg_catalog.shobj_description(r.oid, 'pg_authid') AS "ownerMark",
         d.datallowconn AS "allowsConnections", d.datistemplate AS "isTemplate", d.datconnlimit AS "connectionLimit",
         d.datconnlimit = -2 OR d.oid IN (
           SELECT l.objid FROM pg_catalog.pg_locks l
           WHERE l.locktype = 'object' AND l.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
             AND l.mode = 'AccessExclusiveLock') AS "isBeingDropped",
         ARRAY(SELECT DISTINCT CASE a.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END
               FROM pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
               WHERE a.grantee <> d.datdba) AS grantees
  FROM pg_catalog.pg_database d JOIN pg_catalog.pg_authid r ON r.oid = d.datdba
  ORDER BY d.datname`;

const SELECT_ROLES = `
  SELECT r.oid, r.rolname AS name, pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark,
         r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls AS "hasPower",
         r.rolcanlogin AS "canLogin", r.rolconnlimit AS "connectionLimit", r.rolpassword AS verifier, r.rolvaliduntil AS "validUntil",
         COALESCE((SELECT s.setconfig FROM pg_catalog.pg_db_role_setting s
                   WHERE s.setrole = r.oid AND s.setdatabase = 0), '{}') AS settings,
         COALESCE(stored.databases, '{}') AS "settingsIn",
         ARRAY(SELECT g.rolname::text FROM pg_catalog.pg_auth_members m
               JOIN pg_catalog.pg_authid g ON g.oid = m.roleid WHERE m.member = r.oid) AS "memberOf"
  FROM pg_catalog.pg_authid r
  LEFT JOIN (SELECT s.setrole, pg_catalog.array_agg(d.datname::text ORDER BY d.datname) AS databases
             FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
             GROUP BY s.setrole) stored ON stored.setrole = r.oid
  ORDER BY r.rolname`;

const SELECT_SCHEMAS = 'SELECT oid, nspname AS name FROM pg_catalog.pg_namespace';

export async function observeServer(
  server: ManagedServer,
  hostNames: Iterable<string>,
): Promise<ObservedServer> {
  const { postgres, pooler, config } = server;
  const databases = await postgres.query<ObservedDatabase & Record<string, unknown>>(SELECT_DATABASES);
  const roles = await postgres.query<ObservedRole & Record<string, unknown>>(SELECT_ROLES);
  const aliases = pooler && config.pooler?.configDir ? await pooler.databases() : null;
  const open = new Set(
    databases
      .filter((database) => database.allowsConnections && !database.isBeingDropped)
      .map(({ name }) => name),
  );
  const schemas = await observeSchemas(
    server,
    [...hostNames].filter((name) => open.has(name)),
  );
  return { databases, roles, aliases, schemas };
}

async function observeSchemas({ postgres }: ManagedServer, hostNames: readonly string[]) {
  const schemas = new Map<string, ReadonlyMap<number, string>>();
  for (const host of hostNames) {
    const { rows } = await postgres.inDatabase(host, (client) =>
      client.query<{ oid: number; name: string }>(SELECT_SCHEMAS),
    );
    schemas.set(host, new Map(rows.map(({ oid, name }) => [oid, name])));
  }
  return schemas;
}
