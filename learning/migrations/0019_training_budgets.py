"""The budget of a training run in tokens and money, and the chunks of its requests that workers share."""

import django.db.models.deletion
import organizations.fields
import organizations.models
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from organizations.protection import ProtectTenantKeys, ProtectTenantTable
from organizations.schema_changes import AtOnce

# Until now nobody knew a price, and 0 was written for it. The owner is subject to row-level security too.
UNKNOWN = """
ALTER TABLE learning_trainingrun NO FORCE ROW LEVEL SECURITY;
UPDATE learning_trainingrun SET cost = NULL WHERE llm_calls > 0;
ALTER TABLE learning_trainingrun FORCE ROW LEVEL SECURITY;
"""
NOTHING = """
ALTER TABLE learning_trainingrun NO FORCE ROW LEVEL SECURITY;
UPDATE learning_trainingrun SET cost = 0 WHERE cost IS NULL;
ALTER TABLE learning_trainingrun FORCE ROW LEVEL SECURITY;
"""

class Migration(migrations.Migration):

    dependencies = [
        ('learning', '0018_statistics_in_time'),
        ('organizations', '0005_forgetting'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [AtOnce([
        migrations.CreateModel(
            name='EvaluationChunk',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('requests', models.JSONField(default=list)),
                ('keys', models.JSONField(default=list)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('refused', models.JSONField(default=dict)),
                ('failure', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name': 'evaluation chunk',
            },
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='estimate',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='held_cost',
            field=models.DecimalField(db_default=0, decimal_places=8, default=0, max_digits=16),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='held_tokens',
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='rerun_of',
            field=organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reruns', to='learning.trainingrun'),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='cost',
            field=models.DecimalField(blank=True, decimal_places=8, default=0, max_digits=16, null=True),
        ),
        migrations.AddConstraint(
            model_name='trainingrun',
            constraint=models.CheckConstraint(condition=models.Q(('held_cost__isnull', True), ('held_cost__gte', 0), _connector='OR'), name='trainingrun_held_cost_range'),
        ),
        migrations.AddField(
            model_name='evaluationchunk',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='evaluationchunk',
            name='run',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='learning.trainingrun'),
        ),
        migrations.AddIndex(
            model_name='evaluationchunk',
            index=models.Index(fields=['organization', 'run', 'status', 'id'], name='evaluation_chunk_of_run'),
        ),
        migrations.AddConstraint(
            model_name='evaluationchunk',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'running', 'done', 'failed'])), name='evaluationchunk_status_known'),
        ),
    ]),
        migrations.RunSQL(UNKNOWN, NOTHING),
        ProtectTenantTable("EvaluationChunk"),
        ProtectTenantKeys("TrainingRun", ["rerun_of"]),
    ]
