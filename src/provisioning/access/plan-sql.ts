/** Whether there is anything to guard, without working out what. */
export const IS_ANYTHING_GUARDED = `
  SELECT EXISTS (SELECT FROM whitelist_rules)
      OR EXISTS (SELECT FROM databases WHERE NOT external_access)
      OR EXISTS (SELECT FROM tenants WHERE NOT external_access)
      OR EXISTS (SELECT FROM login_roles WHERE networks IS NOT NULL) AS guarded`;

/** Every rule of the server's homes, in force or not: $1 the server. */
export const FIND_RULES = `
  SELECT r.id, r.database_id AS "databaseId", r.tenant_id AS "tenantId", r.network::text AS network,
         r.removed_at IS NOT NULL AS "isRemoved",
         COALESCE(r.expires_at <= statement_timestamp(), false) AS "isExpired",
         r.applied_at IS NOT NULL AS "isApplied",
         r.expired_at IS NOT NULL AS "isEnded"
  FROM whitelist_rules r
  LEFT JOIN databases d ON d.id = r.database_id
  LEFT JOIN tenants t ON t.id = r.tenant_id
  WHERE COALESCE(d.server_id, t.server_id) = $1
  ORDER BY r.network, r.id`;

/** $2: those that have rules. $3: whether homes without rules are closed unless they say otherwise. */
export const FIND_GUARDED_DATABASES = `
  SELECT d.id, d.database_name AS name, d.username, h.id IS NOT NULL AS "isHost"
  FROM databases d LEFT JOIN hosts h ON h.database_id = d.id
  WHERE d.server_id = $1 AND (d.id = ANY($2::uuid[]) OR NOT COALESCE(d.external_access, NOT $3::boolean))
  ORDER BY d.database_name`;

/** Tenants in schemas with rules of their own ($2), or closed. */
export const FIND_GUARDED_TENANTS = `
  SELECT t.id, t.schema_name AS alias, t.username, d.database_name AS host
  FROM tenants t JOIN databases d ON d.id = t.database_id
  WHERE t.server_id = $1 AND t.isolation = 'schema' AND (t.id = ANY($2::uuid[]) OR NOT t.external_access)
  ORDER BY t.schema_name`;

/** What else is in guarded databases ($1): tenants that follow their rules, also those in stock, and leak probes. */
export const FIND_INMATES = `
  SELECT id, database_id AS "databaseId", schema_name AS alias, username
  FROM tenants
  WHERE database_id = ANY($1::uuid[]) AND isolation = 'schema' AND NOT id = ANY($2::uuid[])
  UNION ALL
  SELECT NULL, database_id, schema_name, username
  FROM warm_schemas WHERE database_id = ANY($1::uuid[]) AND state <> 'retired'
  UNION ALL
  SELECT NULL, database_id, alias, NULL
  FROM leak_probes WHERE database_id = ANY($1::uuid[]) AND is_open`;

/** Databases in stock, which become homes without the pooler hearing of it. */
export const FIND_WARM_DATABASES = `
  SELECT database_name AS name, username
  FROM warm_databases WHERE server_id = $1 AND state <> 'retired'
  ORDER BY database_name`;

/** Further logins of the server's homes, where each may go, and the home whose rules it follows. */
export const FIND_LOGIN_ROLES = `
  SELECT r.username, r.networks::text[] AS networks,
         CASE WHEN t.isolation = 'schema' THEN t.id END AS "tenantId",
         d.id AS "databaseId", d.database_name AS database,
         CASE WHEN t.isolation = 'schema' THEN t.schema_name END AS alias
  FROM login_roles r
  LEFT JOIN tenants t ON t.id = r.tenant_id
  JOIN databases d ON d.id = COALESCE(r.database_id, t.database_id)
  WHERE d.server_id = $1
  ORDER BY r.username`;

/** Whoever came within this time is still expected. */
export const FIND_PEERS = `
  SELECT port, host(address) AS address
  FROM access_peers WHERE server_id = $1 AND seen_at > now() - interval '7 days'
  ORDER BY port, address`;
