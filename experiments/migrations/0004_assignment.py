"""Layers, units, testers, A/A experiments and bandits, and what of them is frozen after the start."""

import django.db.models.deletion
import experiments.bucketing
import organizations.fields
import organizations.models
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from organizations.protection import ProtectTenantKeys, ProtectTenantTable
from organizations.schema_changes import AtOnce

# Exclusion constraints, and not only services: two people may press Start at the same moment.
EXCLUSIVE = """
ALTER TABLE experiments_experiment ADD CONSTRAINT live_ranges_of_a_layer EXCLUDE USING gist (
  organization_id WITH =, layer_id WITH =, int4range(layer_start::int, layer_start::int + layer_buckets::int) WITH &&
) WHERE (status IN ('running', 'paused') AND layer_id IS NOT NULL);
ALTER TABLE experiments_experiment ADD CONSTRAINT live_experiments_share_a_layer EXCLUDE USING gist (
  organization_id WITH =, agent_id WITH =,
  COALESCE(layer_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH <>
) WHERE (status IN ('running', 'paused') AND kind <> 'aa');
"""
SHARED = """
ALTER TABLE experiments_experiment DROP CONSTRAINT live_ranges_of_a_layer;
ALTER TABLE experiments_experiment DROP CONSTRAINT live_experiments_share_a_layer;
"""
FREEZE = """
CREATE FUNCTION experiment_assignment_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'draft' AND (NEW.kind, NEW.unit, NEW.layer_id, NEW.layer_buckets, NEW.layer_start)
     IS DISTINCT FROM (OLD.kind, OLD.unit, OLD.layer_id, OLD.layer_buckets, OLD.layer_start) THEN
    RAISE EXCEPTION 'a started experiment is frozen' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.kind <> 'bandit' AND NEW.weights IS DISTINCT FROM OLD.weights THEN
    RAISE EXCEPTION 'the shares of an experiment are frozen, unless it is a bandit' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER experiment_assignment_is_frozen BEFORE UPDATE ON experiments_experiment
  FOR EACH ROW EXECUTE FUNCTION experiment_assignment_is_frozen();

CREATE FUNCTION layer_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.salt <> OLD.salt OR (NEW.holdout <> OLD.holdout AND EXISTS (
     SELECT 1 FROM experiments_experiment WHERE layer_id = OLD.id AND status IN ('running', 'paused'))) THEN
    RAISE EXCEPTION 'a layer is frozen while an experiment runs in it' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER layer_is_frozen BEFORE UPDATE ON experiments_layer
  FOR EACH ROW EXECUTE FUNCTION layer_is_frozen();
"""
THAW = """
DROP TRIGGER layer_is_frozen ON experiments_layer;
DROP FUNCTION layer_is_frozen();
DROP TRIGGER experiment_assignment_is_frozen ON experiments_experiment;
DROP FUNCTION experiment_assignment_is_frozen();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0003_forgetting'),
        ('learning', '0022_working_time'),
        ('organizations', '0005_forgetting'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='experiment',
            name='one_live_experiment',
        ),
        AtOnce([
        migrations.CreateModel(
            name='ForcedAssignment',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('unit', models.CharField(max_length=200)),
                ('digest', models.CharField(max_length=16)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('released_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'forced assignment',
            },
        ),
        migrations.CreateModel(
            name='Layer',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=200)),
                ('salt', models.CharField(default=experiments.bucketing.new_salt, editable=False, max_length=32)),
                ('holdout', models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='WeightsUpdate',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('revision', models.PositiveIntegerField()),
                ('buckets', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name': "update of a bandit's shares",
            },
        ),
        migrations.AddField(
            model_name='experiment',
            name='kind',
            field=models.CharField(choices=[('ab', 'A/B'), ('aa', 'A/A'), ('bandit', 'Bandit')], db_default='ab', default='ab', max_length=10),
        ),
        migrations.AddField(
            model_name='experiment',
            name='layer_buckets',
            field=models.PositiveSmallIntegerField(db_default=10000, default=10000),
        ),
        migrations.AddField(
            model_name='experiment',
            name='layer_start',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='experiment',
            name='unit',
            field=models.CharField(choices=[('user', 'User'), ('session', 'Session'), ('execution', 'Execution')], db_default='user', default='user', max_length=10),
        ),
        migrations.AddField(
            model_name='experiment',
            name='weights',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='exposure',
            name='crossed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='exposure',
            name='forced',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='exposure',
            name='propensity',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='exposure',
            name='revision',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name='exposure',
            constraint=models.CheckConstraint(condition=models.Q(('propensity', None), models.Q(('propensity__gt', 0), ('propensity__lte', 1)), _connector='OR'), name='exposure_propensity_range'),
        ),
        migrations.AddField(
            model_name='forcedassignment',
            name='created_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='forcedassignment',
            name='experiment',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='forced', to='experiments.experiment'),
        ),
        migrations.AddField(
            model_name='forcedassignment',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='forcedassignment',
            name='variant',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='forced', to='experiments.variant'),
        ),
        migrations.AddField(
            model_name='layer',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='experiment',
            name='layer',
            field=organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='experiments', to='experiments.layer'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['ab', 'aa', 'bandit'])), name='experiment_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('unit__in', ['user', 'session', 'execution'])), name='experiment_unit_known'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('layer_buckets__isnull', True), ('layer_buckets__range', (1, 10000)), _connector='OR'), name='experiment_layer_buckets_range'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('layer_start__isnull', True), ('layer_start__range', (0, 9999)), _connector='OR'), name='experiment_layer_start_range'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.UniqueConstraint(condition=models.Q(('layer', None), ('status__in', ['running', 'paused']), models.Q(('kind', 'aa'), _negated=True)), fields=('organization', 'agent'), name='one_live_experiment'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'aa'), ('status__in', ['running', 'paused'])), fields=('organization', 'agent'), name='one_live_aa'),
        ),
        migrations.AddField(
            model_name='weightsupdate',
            name='experiment',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='weights_updates', to='experiments.experiment'),
        ),
        migrations.AddField(
            model_name='weightsupdate',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddConstraint(
            model_name='forcedassignment',
            constraint=models.UniqueConstraint(fields=('organization', 'experiment', 'unit'), name='forced_once'),
        ),
        migrations.AddConstraint(
            model_name='layer',
            constraint=models.UniqueConstraint(fields=('organization', 'name'), name='layer_name_once'),
        ),
        migrations.AddConstraint(
            model_name='layer',
            constraint=models.CheckConstraint(condition=models.Q(('holdout__isnull', True), ('holdout__range', (0, 9999)), _connector='OR'), name='layer_holdout_range'),
        ),
        migrations.AddConstraint(
            model_name='weightsupdate',
            constraint=models.UniqueConstraint(fields=('organization', 'experiment', 'revision'), name='weights_revision_once'),
        ),
        ]),
        ProtectTenantTable("Layer"),
        ProtectTenantTable("ForcedAssignment"),
        ProtectTenantTable("WeightsUpdate", append_only=True),
        ProtectTenantKeys("Experiment", ["layer"]),
        migrations.RunSQL(EXCLUSIVE, SHARED),
        migrations.RunSQL(FREEZE, THAW),
    ]
