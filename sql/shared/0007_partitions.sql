-- Partitions. What PostgreSQL gives them from their table are columns, defaults, checks, indexes, foreign keys and
-- triggers; all else stands on each table by itself (manual, CREATE TABLE, PARTITION OF).

CREATE OR REPLACE FUNCTION shared.table_traits(model regclass, target text) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
  WITH statements (position, clause) AS (
    SELECT 1, 'SET (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')'
    FROM pg_catalog.pg_class c WHERE c.oid = model
    UNION ALL
    SELECT 1, 'SET (toast.' || pg_catalog.array_to_string(t.reloptions, ', toast.') || ')'
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = model
    UNION ALL
    SELECT 2, CASE c.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' END
    FROM pg_catalog.pg_class c WHERE c.oid = model
    UNION ALL
    SELECT 3, pg_catalog.format('ALTER COLUMN %I %s', a.attname, s.setting)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (VALUES
      (CASE WHEN a.attstattarget >= 0 THEN 'SET STATISTICS ' || a.attstattarget END),
      ('SET (' || pg_catalog.array_to_string(a.attoptions, ', ') || ')'),
      (CASE WHEN a.attstorage <> t.typstorage THEN 'SET STORAGE ' || CASE a.attstorage
         WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END),
      (CASE a.attcompression WHEN 'p' THEN 'SET COMPRESSION pglz' WHEN 'l' THEN 'SET COMPRESSION lz4' END)
    ) AS s (setting)
    WHERE a.attrelid = model AND a.attnum > 0 AND NOT a.attisdropped AND s.setting IS NOT NULL
  ), named AS (
    SELECT pg_catalog.parse_ident(target) AS parts
  )
  SELECT * FROM (
    SELECT pg_catalog.format('ALTER TABLE %s %s', target, clause) FROM statements WHERE clause IS NOT NULL ORDER BY position
  ) AS settings
  UNION ALL
  -- The definition begins with the name of the statistics; the kinds stand between that and ON, unless all are meant.
  SELECT pg_catalog.format('CREATE STATISTICS %s%s ON %s FROM %s',
    CASE WHEN pg_catalog.cardinality(n.parts) > 1 THEN pg_catalog.quote_ident(n.parts[1]) || '.' END
      || pg_catalog.quote_ident(pg_catalog.right(n.parts[pg_catalog.cardinality(n.parts)], 50)
      || '_stat' || pg_catalog.row_number() OVER (ORDER BY s.stxname)),
    pg_catalog.split_part(pg_catalog.substr(d.definition,
      pg_catalog.length(pg_catalog.format('CREATE STATISTICS %I.%I', m.nspname, s.stxname)) + 1), ' ON ', 1),
    pg_catalog.pg_get_statisticsobjdef_columns(s.oid), target)
  FROM pg_catalog.pg_statistic_ext s
  JOIN pg_catalog.pg_namespace m ON m.oid = s.stxnamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_statisticsobjdef(s.oid)) AS d (definition)
  CROSS JOIN named n
  WHERE s.stxrelid = model
$$;
COMMENT ON FUNCTION shared.table_traits(regclass, text) IS
  'The statements that give the table target, named as in SQL, what LIKE does not take over from model: storage parameters, replica identity but for an index, columns'' statistics targets, options, storage and compression, extended statistics. Names in them are written as the session''s search_path shows them.';

CREATE OR REPLACE FUNCTION shared.row_security(model regclass, target text) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
  SELECT pg_catalog.format('ALTER TABLE %s %s ROW LEVEL SECURITY', target, s.state)
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL (VALUES
    (CASE WHEN c.relrowsecurity THEN 'ENABLE' END), (CASE WHEN c.relforcerowsecurity THEN 'FORCE' END)
  ) AS s (state)
  WHERE c.oid = model AND s.state IS NOT NULL
  UNION ALL
  SELECT pg_catalog.concat_ws(' ',
    pg_catalog.format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, target,
      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      (SELECT pg_catalog.string_agg(CASE m WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(m)) END, ', ')
       FROM pg_catalog.unnest(p.polroles) AS m)),
    'USING (' || u.condition || ')',
    'WITH CHECK (' || w.condition || ')')
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  CROSS JOIN LATERAL (
    -- In a subquery, columns of the row are written with the table's name.
    SELECT '(?<![\w".])' || pg_catalog.regexp_replace(pg_catalog.quote_ident(c.relname), '(\W)', '\\\1', 'g') || '\.' AS pattern,
           pg_catalog.replace(pg_catalog.quote_ident((pg_catalog.parse_ident(target))[pg_catalog.cardinality(pg_catalog.parse_ident(target))]), '\', '\\') || '.' AS name
  ) AS r
  CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)) AS e (qual, checked)
  CROSS JOIN LATERAL (SELECT CASE WHEN e.qual ~ '\mSELECT\M' THEN pg_catalog.regexp_replace(e.qual, r.pattern, r.name, 'g') ELSE e.qual END) AS u (condition)
  CROSS JOIN LATERAL (SELECT CASE WHEN e.checked ~ '\mSELECT\M' THEN pg_catalog.regexp_replace(e.checked, r.pattern, r.name, 'g') ELSE e.checked END) AS w (condition)
  WHERE p.polrelid = model
$$;
COMMENT ON FUNCTION shared.row_security(regclass, text) IS
  'The statements that give the table target, named as in SQL, the row security and the policies of model.';

CREATE OR REPLACE FUNCTION shared.newest_partition(parent regclass, other_than regclass DEFAULT NULL) RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = parent AND c.relkind = 'r' AND NOT i.inhdetachpending AND c.oid IS DISTINCT FROM other_than
  ORDER BY pg_get_expr(c.relpartbound, 0) = 'DEFAULT', c.oid DESC LIMIT 1
$$;
COMMENT ON FUNCTION shared.newest_partition(regclass, regclass) IS
  'The partition that was made last; the default one only where there is no other, and null where there is none.';

CREATE OR REPLACE FUNCTION shared.partition_grants(parent regclass, sibling regclass, target regclass) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH grants AS (
    SELECT c.oid, NULL::name AS column_name, a.grantee, a.privilege_type AS privilege, a.is_grantable
    FROM pg_class c CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE c.oid IN (parent, coalesce(sibling, parent), target) AND a.grantee <> c.relowner
    UNION ALL
    SELECT c.oid, t.attname, a.grantee, a.privilege_type, a.is_grantable
    FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
    CROSS JOIN LATERAL aclexplode(t.attacl) AS a
    WHERE c.oid IN (parent, coalesce(sibling, parent), target) AND a.grantee <> c.relowner
  ), wanted AS (
    SELECT column_name, grantee, privilege, is_grantable FROM grants WHERE oid = parent
    INTERSECT
    SELECT column_name, grantee, privilege, is_grantable FROM grants WHERE oid = coalesce(sibling, parent)
  ), present AS (
    SELECT column_name, grantee, privilege, is_grantable FROM grants WHERE oid = target
  ), changes AS (
    SELECT 1 AS position, 'REVOKE' AS verb, 'FROM' AS word, d.* FROM (TABLE present EXCEPT TABLE wanted) AS d
    UNION ALL
    SELECT 2, 'GRANT', 'TO', d.* FROM (TABLE wanted EXCEPT TABLE present) AS d
  )
  SELECT format('%s %s%s ON %s %s %s%s', verb, privilege, '(' || quote_ident(column_name) || ')', target, word,
                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                CASE WHEN is_grantable AND verb = 'GRANT' THEN ' WITH GRANT OPTION' END)
  FROM changes ORDER BY position
$$;
COMMENT ON FUNCTION shared.partition_grants(regclass, regclass, regclass) IS
  'The statements that give a partition the grants which its table and its sibling both have, so that it is not more open than either.';

CREATE OR REPLACE FUNCTION shared.create_partition_table(parent regclass, partition_name name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model CONSTANT regclass := coalesce(shared.newest_partition(parent), parent);
  target text;
  statement text;
BEGIN
  SELECT format('%I.%I', n.nspname, partition_name),
         format('CREATE %sTABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED
                   INCLUDING STORAGE INCLUDING COMPRESSION)%s',
           CASE m.relpersistence WHEN 'u' THEN 'UNLOGGED ' END, n.nspname, partition_name, parent,
           ' TABLESPACE ' || quote_ident(s.spcname))
    INTO STRICT target, statement
  FROM pg_class m
  JOIN pg_class p ON p.oid = parent
  JOIN pg_namespace n ON n.oid = p.relnamespace
  LEFT JOIN pg_tablespace s ON s.oid = m.reltablespace AND has_tablespace_privilege(s.oid, 'CREATE')
  WHERE m.oid = model;
  EXECUTE statement;
  FOR statement IN SELECT shared.table_traits(model, target) LOOP
    EXECUTE statement;
  END LOOP;
END
$$;
COMMENT ON FUNCTION shared.create_partition_table(regclass, name) IS
  'Makes an empty table to be attached to parent as a partition, in its schema and like its newest partition in what PostgreSQL does not inherit. After attaching it, call shared.finish_partition.';

CREATE OR REPLACE FUNCTION shared.finish_partition(parent regclass, target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sibling CONSTANT regclass := shared.newest_partition(parent, target);
  statement text;
BEGIN
  FOR statement IN
    SELECT format('ALTER TABLE %s %s %I', target, u.purpose, c.relname)
    FROM pg_index x
    LEFT JOIN pg_inherits i ON i.inhrelid = x.indexrelid
    JOIN pg_inherits o ON o.inhparent = coalesce(i.inhparent, x.indexrelid)
    JOIN pg_index own ON own.indexrelid = o.inhrelid AND own.indrelid = target
    JOIN pg_class c ON c.oid = own.indexrelid
    CROSS JOIN LATERAL (VALUES
      (CASE WHEN x.indisreplident THEN 'REPLICA IDENTITY USING INDEX' END), (CASE WHEN x.indisclustered THEN 'CLUSTER ON' END)
    ) AS u (purpose)
    WHERE x.indrelid = coalesce(sibling, parent) AND u.purpose IS NOT NULL
  LOOP
    EXECUTE statement;
  END LOOP;
  -- Whoever reaches the partition past its table meets the same policies.
  FOR statement IN
    SELECT shared.row_security(
      CASE WHEN (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = sibling) THEN sibling ELSE parent END, target::text)
    UNION ALL
    SELECT shared.partition_grants(parent, sibling, target)
  LOOP
    EXECUTE statement;
  END LOOP;
END
$$;
COMMENT ON FUNCTION shared.finish_partition(regclass, regclass) IS
  'Gives a partition that was just attached what only an attached one can have or what must not stand in the way of its rows before: replica identity and CLUSTER by index, row security, and grants.';

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
      PERFORM shared.create_partition_table(missing.oid, missing.partition);
      EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)',
        missing.nspname, missing.relname, missing.partition, missing.first, missing.next);
      PERFORM shared.finish_partition(
        missing.oid, format('%I.%I', missing.nspname, missing.partition)::regclass);
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
