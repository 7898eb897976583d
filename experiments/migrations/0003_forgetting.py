"""An organization can be removed with its experiments: their arms are frozen for everybody else."""

from django.db import migrations

from organizations.protection import LetOwnerErase

FROZEN = """
CREATE OR REPLACE FUNCTION variant_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {unless}IF EXISTS (SELECT 1 FROM experiments_experiment
             WHERE id = COALESCE(NEW.experiment_id, OLD.experiment_id) AND status <> 'draft') THEN
    RAISE EXCEPTION 'the arms of a started experiment are frozen' USING ERRCODE = 'check_violation';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
"""
UNLESS = """IF TG_OP = 'DELETE' AND current_setting('app.erasing', true) = 'on' THEN
    RETURN OLD;
  END IF;
  """


class Migration(migrations.Migration):
    dependencies = [("experiments", "0002_protection"), ("organizations", "0005_forgetting")]
    operations = [
        LetOwnerErase(),
        migrations.RunSQL(FROZEN.format(unless=UNLESS), FROZEN.format(unless="")),
    ]
