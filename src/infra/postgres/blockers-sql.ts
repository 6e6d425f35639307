/** Of a role `r`: whether it is a superuser, or the one in whose sessions Rowhouse works for a host. */
export const IS_ADMINISTRATOR = `
  r.rolsuper OR r.rolname ~ '^(tenant_[0-9a-f]{8}|rowhouse_[a-z_]+)_provisioner$'`;

/**
 * Ends the sessions of tenants whose locks the process `$1` waits for. Rowhouse's own stay: those of superusers, and of
 * the provisioner roles of hosting databases.
 */
export const END_BLOCKERS = `
  SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS blocker (pid)
  JOIN pg_catalog.pg_stat_activity a ON a.pid = blocker.pid
  JOIN pg_catalog.pg_authid r ON r.oid = a.usesysid
  WHERE NOT (${IS_ADMINISTRATOR})`;
