"""Row-level security of every table of experiments, and the freeze of what a started experiment is made of."""

from django.db import migrations

from organizations.protection import ProtectTenantTable

# A trigger and not only the service: the verdict rests on nobody having moved the split or a margin after the start.
FREEZE = """
CREATE FUNCTION experiment_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.salt <> OLD.salt OR (OLD.status <> 'draft' AND
     (NEW.agent_id, NEW.coverage, NEW.metrics, NEW.alpha, NEW.planned_units, NEW.minimum_units, NEW.minimum_hours)
     IS DISTINCT FROM
     (OLD.agent_id, OLD.coverage, OLD.metrics, OLD.alpha, OLD.planned_units, OLD.minimum_units, OLD.minimum_hours)) THEN
    RAISE EXCEPTION 'a started experiment is frozen' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER experiment_is_frozen BEFORE UPDATE ON experiments_experiment
  FOR EACH ROW EXECUTE FUNCTION experiment_is_frozen();

CREATE FUNCTION variant_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM experiments_experiment
             WHERE id = COALESCE(NEW.experiment_id, OLD.experiment_id) AND status <> 'draft') THEN
    RAISE EXCEPTION 'the arms of a started experiment are frozen' USING ERRCODE = 'check_violation';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER variant_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON experiments_variant
  FOR EACH ROW EXECUTE FUNCTION variant_is_frozen();
"""
THAW = """
DROP TRIGGER variant_is_frozen ON experiments_variant;
DROP FUNCTION variant_is_frozen();
DROP TRIGGER experiment_is_frozen ON experiments_experiment;
DROP FUNCTION experiment_is_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0001_initial"),
        ("learning", "0003_protection"),
        ("organizations", "0002_protection"),
    ]
    operations = [
        *(ProtectTenantTable(name) for name in ("Experiment", "Variant", "Exposure", "Deployment")),
        *(ProtectTenantTable(name, append_only=True) for name in ("Analysis", "MetricResult", "DeploymentEvent")),
        migrations.RunSQL(FREEZE, THAW),
    ]
