/** Whether a host `h` in the database `d` takes tenants now: one that is suspended, on its way out or not ready takes none. */
export const IS_OPEN = `h.status = 'ready' AND d.status = 'active'`;

/** How many schemas the host `h` may still get, its stock counted; what is retired is about to go. */
export const FREE_PLACES = `greatest(0, h.max_tenants
  - (SELECT count(*) FROM tenants ht WHERE ht.database_id = h.database_id)
  - (SELECT count(*) FROM warm_schemas hw WHERE hw.database_id = h.database_id AND hw.state <> 'retired'))::integer`;

/** The room of the host `h` in the database `d`, for placement, stock and growth alike. */
export const ROOM = `CASE WHEN ${IS_OPEN} THEN ${FREE_PLACES} ELSE 0 END`;
