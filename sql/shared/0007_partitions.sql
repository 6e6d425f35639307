-- Monthly partitions of all tenants' tables.

CREATE OR REPLACE FUNCTION shared.create_monthly_partitions(months_ahead integer DEFAULT 3)
RETURNS TABLE (schema_name name, table_name name, partition_name name)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  missing record;
  busy oid;
BEGIN
  IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 120 THEN
    RAISE EXCEPTION 'months_ahead is a number from 0 to 120, not %', coalesce(months_ahead::text, 'null')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR missing IN
    WITH parents AS (
      SELECT c.oid, n.nspname, c.relname
      FROM shared.tenants t
      JOIN pg_namespace n ON n.nspname = t.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'p' AND NOT c.relispartition
      JOIN pg_partitioned_table p ON p.partrelid = c.oid AND p.partstrat = 'r' AND p.partnatts = 1
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
      WHERE a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
    ), bounds AS (
      SELECT i.inhparent,
             coalesce(substring(b.bound FROM $re$FROM \('([^']+)'\)$re$), '-infinity')::timestamptz AS lower,
             coalesce(substring(b.bound FROM $re$TO \('([^']+)'\)$re$), 'infinity')::timestamptz AS upper
      FROM parents p
      JOIN pg_inherits i ON i.inhparent = p.oid
      JOIN pg_class c ON c.oid = i.inhrelid
      CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, 0)) AS b (bound)
      WHERE b.bound <> 'DEFAULT'
    ), months AS (
      SELECT m AS first, m + interval '1 month' AS next
      FROM generate_series(
        date_trunc('month', now()), date_trunc('month', now()) + months_ahead * interval '1 month', interval '1 month'
      ) AS m
    )
    SELECT p.oid, p.nspname, p.relname, m.first::date AS first, m.next::date AS next,
           left(p.relname, 55) || to_char(m.first, '_YYYY_MM') AS partition
    FROM parents p CROSS JOIN months m
    WHERE NOT EXISTS (
        SELECT FROM bounds b WHERE b.inhparent = p.oid AND b.lower < m.next AND b.upper > m.first
      )
      -- A table that is cut in days, in weeks or in the months of another time zone is somebody else's to extend.
      AND coalesce((
        SELECT bool_or(b.lower = date_trunc('month', b.lower) AND b.upper = b.lower + interval '1 month')
        FROM bounds b WHERE b.inhparent = p.oid
      ), true)
    ORDER BY p.nspname, p.relname, m.first
  LOOP
    CONTINUE WHEN missing.oid = busy;
    BEGIN
      -- Unlike CREATE TABLE … PARTITION OF, attaching lets others read and write the table meanwhile.
      EXECUTE format($sql$
        CREATE TABLE %1$I.%3$I (LIKE %1$I.%2$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED
          INCLUDING STORAGE INCLUDING COMPRESSION);
        ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L);
      $sql$, missing.nspname, missing.relname, missing.partition, missing.first, missing.next);
      schema_name := missing.nspname;
      table_name := missing.relname;
      partition_name := missing.partition;
      RETURN NEXT;
    EXCEPTION WHEN OTHERS THEN
      busy := missing.oid;
      RAISE WARNING 'the partition %.% was not made: %', missing.nspname, missing.partition, SQLERRM
        USING ERRCODE = SQLSTATE, HINT = 'The other tables were looked after; run it again for this one.';
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION shared.create_monthly_partitions(integer) IS
  'Makes the partitions "<table>_YYYY_MM" that are missing for this month and months_ahead more (0 to 120), in UTC, of every table in a registered tenant''s schema that is partitioned by ranges of one timestamptz, timestamp or date column, and returns them. Waits at most 2 s for a lock; what fails is a WARNING and stops no other table. All in one transaction: until its end nobody writes the tables that foreign keys of the partitioned ones point to, so choose a quiet hour, or a partition policy. Raises 22023 for a bad months_ahead.';

REVOKE ALL ON ALL ROUTINES IN SCHEMA shared FROM PUBLIC;
