import type { DataSource } from 'typeorm';
import { hostRoles } from '../tenancy/hosts/host-roles.js';
import { accessGroups } from './login-names.js';

/** Own roles of a database and of everybody who lives in it, in stock too; those made over the API; those of self-tests. */
const SELECT_USERNAMES = `
  SELECT d.username, true AS "isHome" FROM databases d WHERE d.database_name = $1
  UNION ALL SELECT w.username, true FROM warm_databases w WHERE w.database_name = $1
  UNION ALL SELECT t.username, true FROM tenants t JOIN databases d ON d.id = t.database_id
    WHERE d.database_name = $1 AND t.username IS NOT NULL
  UNION ALL SELECT w.username, true FROM warm_schemas w JOIN databases d ON d.id = w.database_id
    WHERE d.database_name = $1
  UNION ALL SELECT r.username, false FROM login_roles r JOIN databases d ON d.id = r.database_id
    WHERE d.database_name = $1
  UNION ALL SELECT r.username, false FROM login_roles r JOIN tenants t ON t.id = r.tenant_id
    JOIN databases d ON d.id = t.database_id WHERE d.database_name = $1
  UNION ALL SELECT p.alias || '_' || s.suffix, true FROM leak_probes p JOIN databases d ON d.id = p.database_id,
    (VALUES ('a'), ('b')) AS s (suffix) WHERE d.database_name = $1`;

/** The names of all roles that belong to a database: whoever else is in it is a stranger. */
export async function readInsiders(dataSource: DataSource, databaseName: string): Promise<string[]> {
  const rows: { username: string; isHome: boolean }[] = await dataSource.query(SELECT_USERNAMES, [
    databaseName,
  ]);
  const groups = rows.filter(({ isHome }) => isHome).flatMap(({ username }) => accessGroups(username));
  const roles = [...groups, hostRoles(databaseName)].flatMap((names) => Object.values(names).map(String));
  return [...rows.map(({ username }) => username), ...roles];
}
