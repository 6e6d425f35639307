/**
 * The extensions that a schema's objects are made with. What belongs to an object of the schema (defaults, constraints,
 * rules) depends on it; an array type is no member of its element's extension, so `used` goes one step further.
 */
export const FIND_USED = `
  WITH RECURSIVE own (classid, objid) AS (
    SELECT 'pg_catalog.pg_namespace'::regclass::oid, oid FROM pg_catalog.pg_namespace WHERE nspname = $1
    UNION
    SELECT d.classid, d.objid FROM own o JOIN pg_catalog.pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid
    WHERE d.deptype IN ('n', 'a', 'i')
  ), used (classid, objid) AS (
    SELECT d.refclassid, d.refobjid FROM own o JOIN pg_catalog.pg_depend d USING (classid, objid)
    UNION
    SELECT d.refclassid, d.refobjid FROM used u JOIN pg_catalog.pg_depend d USING (classid, objid) WHERE d.deptype = 'i'
  )
  SELECT DISTINCT e.extname AS name
  FROM used u
  JOIN pg_catalog.pg_depend d ON d.classid = u.classid AND d.objid = u.objid AND d.deptype = 'e'
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE e.extname = ANY ($2)`;

/** Functions and types that only an extension brings. */
export const FIND_MEMBERS = `
  SELECT e.extname AS extension, m.name, m.kind
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_depend d
    ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
  JOIN (
    SELECT 'pg_catalog.pg_proc'::regclass AS classid, p.oid, p.proname AS name, 'function' AS kind
    FROM pg_catalog.pg_proc p
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typname, 'type' FROM pg_catalog.pg_type t
  ) m ON m.classid = d.classid AND m.oid = d.objid
  WHERE e.extname = ANY ($1)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc c WHERE c.pronamespace = 'pg_catalog'::regnamespace AND c.proname = m.name)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type c WHERE c.typnamespace = 'pg_catalog'::regnamespace AND c.typname = m.name)`;
