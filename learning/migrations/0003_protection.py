"""Monthly partitions of executions, and row-level security of every table of learning."""

from django.db import migrations

from organizations.partitions import PartitionByMonth
from organizations.protection import ProtectTenantTable

# Runs as the owner of the tables: the application role cannot create any. The name is checked against what is
# partitioned, so that nothing else can be reached through it.
PARTITIONS = """
CREATE FUNCTION ensure_partitions(parent text, ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  month timestamptz;
  made int := 0;
  part text;
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
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
        lpad(to_hex((extract(epoch FROM month) * 1000)::bigint), 12, '0') || repeat('0', 20),
        lpad(to_hex((extract(epoch FROM month + interval '1 month') * 1000)::bigint), 12, '0') || repeat('0', 20));
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
REVOKE ALL ON FUNCTION ensure_partitions(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(text, int) TO als_app;
"""
# What is pointed at stands before what points there; configs and runs point at each other.
TABLES = (
    "Agent", "AgentConfig", "Execution", "ExecutionKey", "Decision", "AgentFeedback", "LearningExample", "TrainingDataset",
    "DatasetVersion", "DatasetExample", "TrainingRun", "LlmResponse", "GateReport",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("learning", "0002_initial"), ("organizations", "0002_protection")]
    operations = [
        migrations.RunSQL(PARTITIONS, "DROP FUNCTION ensure_partitions(text, int)"),
        PartitionByMonth("Execution"),
        *(ProtectTenantTable(name) for name in TABLES),
        ProtectTenantTable("TrainingRunLog", append_only=True),
    ]
