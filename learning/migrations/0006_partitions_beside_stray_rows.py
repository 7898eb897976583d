"""A month's partition can be made although rows of that month wait in the default partition.

They stay there: other tables point at them, and PostgreSQL refuses to move a row that something points at from
one partition to another. The new partition begins after the last of them, so everything from now on lies in it.
"""

from django.db import migrations

HEAD = """
CREATE OR REPLACE FUNCTION ensure_partitions(parent text, ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  month timestamptz;
  made int := 0;
  part text;
  low uuid;
  high uuid;
  stray uuid;
BEGIN
  IF ahead NOT BETWEEN 0 AND 24 OR NOT EXISTS (
    SELECT 1 FROM pg_partitioned_table p WHERE p.partrelid = to_regclass(quote_ident(parent))
  ) THEN
    RAISE EXCEPTION '% is not a partitioned table, or % is not a number of months', parent, ahead;
  END IF;
  FOR month IN SELECT generate_series(
    date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC', interval '1 month')
  LOOP
    part := parent || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
    IF to_regclass(quote_ident(part)) IS NULL THEN
      low := (lpad(to_hex((extract(epoch FROM month) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
      high := (lpad(to_hex((extract(epoch FROM month + interval '1 month') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
"""
BESIDE = """
      EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
      EXECUTE format('SELECT id FROM %I WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT 1', parent || '_default')
        INTO stray USING low, high;
      IF stray IS NOT NULL THEN  -- the next millisecond
        low := (lpad(to_hex(('x' || left(replace(stray::text, '-', ''), 12))::bit(48)::bigint + 1), 12, '0') || repeat('0', 20))::uuid;
      END IF;
      IF low >= high THEN
        CONTINUE;  -- the last millisecond of the month is taken: nothing is left to hold
      END IF;
"""
TAIL = """
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent, low, high);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("learning", "0005_feedback_rollups")]
    operations = [migrations.RunSQL(HEAD + BESIDE + TAIL, HEAD + TAIL)]
