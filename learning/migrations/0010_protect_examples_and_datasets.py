"""Row-level security of the newer tables; a group in one split alone; an example whose texts change is prepared anew."""

from django.db import migrations

from organizations.protection import ProtectTenantKeys, ProtectTenantTable

# The owner is subject to row-level security too and would see no row: it is lifted for this transaction alone.
# Until now an item's group was its cluster, and its split followed from its hash in every version.
ASSIGN = """
ALTER TABLE learning_datasetexample NO FORCE ROW LEVEL SECURITY;
ALTER TABLE learning_learningexample NO FORCE ROW LEVEL SECURITY;
ALTER TABLE learning_splitassignment NO FORCE ROW LEVEL SECURITY;
UPDATE learning_datasetexample i SET cluster_key = i.group_key, example_type = e.example_type,
    input_context = e.input_context, original_output = e.original_output, rejected_output = e.rejected_output
  FROM learning_learningexample e WHERE e.organization_id = i.organization_id AND e.id = i.example_id;
INSERT INTO learning_splitassignment (id, organization_id, created_at, updated_at, key, split)
  SELECT gen_random_uuid(), organization_id, now(), now(), group_key, min(split)
  FROM learning_datasetexample GROUP BY organization_id, group_key;
ALTER TABLE learning_datasetexample FORCE ROW LEVEL SECURITY;
ALTER TABLE learning_learningexample FORCE ROW LEVEL SECURITY;
ALTER TABLE learning_splitassignment FORCE ROW LEVEL SECURITY;
"""
EXCLUSIVE = """
ALTER TABLE learning_datasetexample
  ADD CONSTRAINT item_in_the_split_of_its_cluster FOREIGN KEY (organization_id, cluster_key, split)
    REFERENCES learning_splitassignment (organization_id, key, split),
  ADD CONSTRAINT item_in_the_split_of_its_group FOREIGN KEY (organization_id, group_key, split)
    REFERENCES learning_splitassignment (organization_id, key, split);
CREATE FUNCTION learning_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('app.erasing', true) = 'on' THEN  -- a person is forgotten, or an organization
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'What was published is never changed (%).', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER is_for_good BEFORE UPDATE ON learning_splitassignment
  FOR EACH ROW EXECUTE FUNCTION learning_is_for_good();
CREATE TRIGGER is_for_good BEFORE UPDATE OR DELETE ON learning_datasetexample
  FOR EACH ROW EXECUTE FUNCTION learning_is_for_good();
"""
MOVABLE = """
DROP TRIGGER is_for_good ON learning_datasetexample;
DROP TRIGGER is_for_good ON learning_splitassignment;
DROP FUNCTION learning_is_for_good();
ALTER TABLE learning_datasetexample
  DROP CONSTRAINT item_in_the_split_of_its_cluster, DROP CONSTRAINT item_in_the_split_of_its_group;
"""
# Whoever prepares writes a new content_hash together with the texts; everybody else is noticed here.
PREPARE_AGAIN = """
CREATE FUNCTION learning_prepare_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.prepared_version := 0;
  RETURN NEW;
END $$;
CREATE TRIGGER prepare_again BEFORE UPDATE ON learning_learningexample
  FOR EACH ROW WHEN (OLD.prepared_version > 0 AND NEW.content_hash = OLD.content_hash AND (
    NEW.input_text <> OLD.input_text OR NEW.input_context <> OLD.input_context
    OR NEW.original_output <> OLD.original_output OR NEW.expected_output <> OLD.expected_output
    OR NEW.rejected_output <> OLD.rejected_output OR NEW.example_type <> OLD.example_type))
  EXECUTE FUNCTION learning_prepare_again();
"""
PREPARED_ONCE = """
DROP TRIGGER prepare_again ON learning_learningexample;
DROP FUNCTION learning_prepare_again();
"""


class Migration(migrations.Migration):
    dependencies = [("learning", "0009_examples_and_datasets_in_depth")]
    operations = [
        *(
            ProtectTenantTable(name)
            for name in ("ExampleBand", "CompiledCorrection", "SplitAssignment", "Job", "JobChange")
        ),
        ProtectTenantKeys("DatasetVersion", ["replaced_by"]),
        migrations.RunSQL(ASSIGN, migrations.RunSQL.noop),
        migrations.RunSQL(EXCLUSIVE, MOVABLE),
        migrations.RunSQL(PREPARE_AGAIN, PREPARED_ONCE),
    ]
