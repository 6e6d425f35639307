-- The audit trail is partitioned by month, in UTC.

CREATE FUNCTION create_audit_partition(month timestamptz) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  name text := 'audit_logs_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
  next_month timestamptz := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass(name) IS NOT NULL THEN
    RETURN;
  END IF;
  -- Rows of this month that are in the default partition already would forbid the new one: they move. Nobody may add
  -- more meanwhile.
  LOCK TABLE audit_logs_default IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('CREATE TABLE %I (LIKE audit_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
  EXECUTE format(
    'WITH moved AS (DELETE FROM audit_logs_default WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *)
     INSERT INTO %I SELECT * FROM moved', name)
  USING month, next_month;
  EXECUTE format('ALTER TABLE audit_logs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, month, next_month);
END
$$;

-- Makes the partitions of this month and of the months that follow; any number of callers may run it at once.
CREATE FUNCTION create_audit_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('create_audit_partitions'));
  FOR i IN 0..months_ahead LOOP
    PERFORM create_audit_partition((this_month + make_interval(months => i)) AT TIME ZONE 'UTC');
  END LOOP;
END
$$;
