export interface ForeignObject extends Record<string, unknown> {
  /** `table`, `sequence`, `large object`, … */
  readonly kind: string;
  readonly schema: string | null;
  readonly name: string | null;
  /** With the arguments, of a function. */
  readonly identity: string;
}

/** Of those that have an owner, what goes away with another object is not named beside it. */
const STANDS_ALONE = `NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = o.classid AND d.objid = o.objid AND d.objsubid = 0 AND d.deptype IN ('a', 'i', 'e')
    AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_extension'::pg_catalog.regclass))`;

/**
 * What of a tenant's own database belongs to others than the provisioner, whose session this is, and extensions that
 * Rowhouse does not install. Every kind of object that has an owner is here, large objects included (PostgreSQL manual,
 * 53.50); the rights that are given on future ones are not, since roles are not cloned. What belongs to the superuser
 * that the server began with is not in pg_shdepend.
 */
export const FIND_FOREIGN_OBJECTS = `
  SELECT i.type AS kind, i.schema, i.name, i.identity
  FROM pg_catalog.pg_shdepend o
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, o.objsubid) AS i
  WHERE o.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
    AND o.deptype = 'o' AND pg_catalog.pg_get_userbyid(o.refobjid) <> current_user
    AND o.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
    AND NOT (o.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND i.name = 'public')
    AND NOT (o.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND i.name = ANY ($1::text[]))
    AND i.identity IS NOT NULL AND ${STANDS_ALONE}
  ORDER BY kind, i.schema, i.identity LIMIT $2`;

/** What in a tenant's schema belongs to others than the provisioner. */
export const FIND_OTHERS_OBJECTS = `
  WITH others (classid, objid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind NOT IN ('i', 'I') AND pg_catalog.pg_get_userbyid(c.relowner) <> current_user
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 AND pg_catalog.pg_get_userbyid(p.proowner) <> current_user
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = $1 AND t.typtype IN ('d', 'e', 'r') AND pg_catalog.pg_get_userbyid(t.typowner) <> current_user
  )
  SELECT i.type AS kind, NULL::text AS schema, i.name, i.identity
  FROM others o CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, 0) AS i
  WHERE ${STANDS_ALONE}
  ORDER BY kind, i.identity LIMIT $2`;
