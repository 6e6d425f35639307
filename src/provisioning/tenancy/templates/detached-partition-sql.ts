/** What a policy writes on a partition that has no comment when it takes it out of its table. */
export const DETACHED_MARK = 'Partition, detached by its policy';

/**
 * Whether the relation `c` is a table that a policy has detached, which stays beside its former table: of policies' names
 * or marks, and the provisioner's, whose session this is. No template has it, and it is no difference from one.
 */
export const IS_DETACHED_PARTITION = `(
  c.relkind = 'r' AND NOT c.relispartition AND pg_catalog.pg_get_userbyid(c.relowner) = current_user
  AND (
    c.relname ~ '_\\d{4}_[\\d_w]+$' AND EXISTS (
      SELECT FROM pg_catalog.pg_class p
      WHERE p.relnamespace = c.relnamespace AND p.relkind = 'p'
        AND pg_catalog.starts_with(c.relname::text, pg_catalog.left(p.relname::text, 50)))
    OR c.oid IN (
      SELECT d.objoid FROM pg_catalog.pg_description d
      WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
        AND (d.description = '${DETACHED_MARK}' OR d.description ~ '^Partition of .+, to be dropped by its policy$'))))`;
