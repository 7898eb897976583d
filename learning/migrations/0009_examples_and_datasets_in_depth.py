import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import organizations.fields
import organizations.models
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from organizations.schema_changes import AtOnce


class Migration(migrations.Migration):

    dependencies = [
        ('learning', '0008_consensus_weight'),
        ('organizations', '0003_key_life'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [AtOnce([
        migrations.CreateModel(
            name='CompiledCorrection',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('sft_row', 'Row for supervised fine-tuning'), ('preference_pair', 'Preference pair'), ('few_shot', 'Example for a prompt'), ('judge_label', 'Label for a judge'), ('regression_case', 'Regression case')], max_length=20)),
                ('content', models.JSONField()),
                ('approval', models.UUIDField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'compiled correction',
            },
        ),
        migrations.CreateModel(
            name='ExampleBand',
            fields=[
                ('pk', models.CompositePrimaryKey('organization', 'band_hash', 'example_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
                ('band_hash', models.BigIntegerField()),
                ('example_id', models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('import', 'Import of examples'), ('bulk_action', 'Action on many examples'), ('undo', 'Undo of an action on many examples'), ('publication', 'Publication of a dataset'), ('erasure', "Erasure of a person's data"), ('synthesis', 'Synthetic examples'), ('rules', 'Rules applied to past data')], max_length=20)),
                ('title', models.CharField(max_length=200)),
                ('request', models.JSONField(default=dict)),
                ('cursor', models.JSONField(default=dict)),
                ('result', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('pending', 'Waiting'), ('running', 'Running'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='pending', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveBigIntegerField(default=0)),
                ('total', models.PositiveBigIntegerField(blank=True, null=True)),
                ('cancel_requested', models.BooleanField(default=False)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('failure_reason', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='JobChange',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('target_id', models.UUIDField()),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='SplitAssignment',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('key', models.CharField(max_length=64)),
                ('split', models.CharField(choices=[('train', 'Train'), ('validation', 'Validation'), ('test', 'Test (sealed)')], max_length=10)),
            ],
            options={
                'verbose_name': 'split assignment',
            },
        ),
        migrations.AddField(
            model_name='datasetexample',
            name='cluster_key',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='datasetexample',
            name='content_hash',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='datasetexample',
            name='example_type',
            field=models.CharField(choices=[('positive', 'Positive'), ('negative', 'Negative'), ('correction', 'Correction'), ('demonstration', 'Demonstration'), ('edge_case', 'Edge case'), ('failure', 'Failure'), ('preference', 'Preference')], default='correction', max_length=15),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='datasetexample',
            name='input_context',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='datasetexample',
            name='original_output',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='datasetexample',
            name='rejected_output',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='datasetversion',
            name='card',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='datasetversion',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='datasetversion',
            name='replaced_by',
            field=organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replaces', to='learning.datasetversion'),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='content_hash',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='external_id',
            field=models.CharField(blank=True, db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='input_hash',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='is_bridge',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='is_representative',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='prepared_version',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='quality_flags',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='redaction_found',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='learningexample',
            name='weight_override',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='balance_by',
            field=models.CharField(blank=True, choices=[('', 'Nothing'), ('domain', 'Domain'), ('task_type', 'Task type'), ('expected', 'Expected output')], db_default='', default='', max_length=15),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='duplicates',
            field=models.CharField(choices=[('keep', 'Keep all that differ'), ('representative', 'One of each cluster')], db_default='keep', default='keep', max_length=15),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='example_types',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='group_by',
            field=models.CharField(choices=[('cluster', 'Near-duplicates'), ('conversation', 'Conversation'), ('user', 'User'), ('source', 'Source')], db_default='cluster', default='cluster', max_length=15),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='half_life_days',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='least_quality',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='source_types',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='tags',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='train_share',
            field=models.PositiveIntegerField(db_default=4000, default=4000),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='validation_share',
            field=models.PositiveIntegerField(db_default=3000, default=3000),
        ),
        migrations.AddField(
            model_name='trainingdataset',
            name='weigh_by_reviewers',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddIndex(
            model_name='learningexample',
            index=models.Index(fields=['organization', '-id'], name='example_recent'),
        ),
        migrations.AddIndex(
            model_name='learningexample',
            index=models.Index(fields=['organization', 'input_hash'], name='example_same_input'),
        ),
        migrations.AddIndex(
            model_name='learningexample',
            index=models.Index(fields=['organization', 'cluster_key'], name='example_cluster'),
        ),
        migrations.AddIndex(
            model_name='learningexample',
            index=models.Index(condition=models.Q(('prepared_version', 0)), fields=['organization', 'id'], name='example_unprepared'),
        ),
        migrations.AddConstraint(
            model_name='datasetexample',
            constraint=models.CheckConstraint(condition=models.Q(('example_type__in', ['positive', 'negative', 'correction', 'demonstration', 'edge_case', 'failure', 'preference'])), name='datasetexample_example_type_known'),
        ),
        migrations.AddConstraint(
            model_name='learningexample',
            constraint=models.CheckConstraint(condition=models.Q(('weight_override__isnull', True), ('weight_override__range', (0, 100)), _connector='OR'), name='learningexample_weight_override_range'),
        ),
        migrations.AddConstraint(
            model_name='learningexample',
            constraint=models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('organization', 'agent', 'external_id'), name='example_external_id_once'),
        ),
        migrations.AddConstraint(
            model_name='learningexample',
            constraint=models.UniqueConstraint(condition=models.Q(('is_representative', True)), fields=('organization', 'cluster_key'), name='example_representative_once'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('least_quality__isnull', True), ('least_quality__range', (0, 1)), _connector='OR'), name='trainingdataset_least_quality_range'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('train_share__isnull', True), ('train_share__range', (1, 9998)), _connector='OR'), name='trainingdataset_train_share_range'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('validation_share__isnull', True), ('validation_share__range', (1, 9998)), _connector='OR'), name='trainingdataset_validation_share_range'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('train_share__lt', django.db.models.expressions.CombinedExpression(models.Value(10000), '-', models.F('validation_share')))), name='dataset_has_test_share'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('half_life_days__isnull', True), ('half_life_days__range', (1, 36500)), _connector='OR'), name='trainingdataset_half_life_days_range'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('group_by__in', ['cluster', 'conversation', 'user', 'source'])), name='trainingdataset_group_by_known'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('duplicates__in', ['keep', 'representative'])), name='trainingdataset_duplicates_known'),
        ),
        migrations.AddConstraint(
            model_name='trainingdataset',
            constraint=models.CheckConstraint(condition=models.Q(('balance_by__in', ['', 'domain', 'task_type', 'expected'])), name='trainingdataset_balance_by_known'),
        ),
        migrations.AddField(
            model_name='compiledcorrection',
            name='example',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='compiled', to='learning.learningexample'),
        ),
        migrations.AddField(
            model_name='compiledcorrection',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='job',
            name='created_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='job',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='jobchange',
            name='job',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='learning.job'),
        ),
        migrations.AddField(
            model_name='jobchange',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='splitassignment',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddConstraint(
            model_name='compiledcorrection',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['sft_row', 'preference_pair', 'few_shot', 'judge_label', 'regression_case'])), name='compiledcorrection_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='compiledcorrection',
            constraint=models.UniqueConstraint(fields=('organization', 'example', 'kind'), name='compiled_once'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['organization', 'kind', '-id'], name='job_recent'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('status__in', ['pending', 'running'])), fields=['organization', 'status', 'heartbeat_at'], name='job_open'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['import', 'bulk_action', 'undo', 'publication', 'erasure', 'synthesis', 'rules'])), name='job_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'running', 'completed', 'failed', 'cancelled'])), name='job_status_known'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('done__isnull', True), ('done__gte', 0), _connector='OR'), name='job_done_range'),
        ),
        migrations.AddConstraint(
            model_name='jobchange',
            constraint=models.UniqueConstraint(fields=('organization', 'job', 'target_id'), name='job_change_once'),
        ),
        migrations.AddConstraint(
            model_name='splitassignment',
            constraint=models.UniqueConstraint(fields=('organization', 'key'), name='split_once'),
        ),
        migrations.AddConstraint(
            model_name='splitassignment',
            constraint=models.UniqueConstraint(fields=('organization', 'key', 'split'), name='split_of_group'),
        ),
        migrations.AddConstraint(
            model_name='splitassignment',
            constraint=models.CheckConstraint(condition=models.Q(('split__in', ['train', 'validation', 'test'])), name='splitassignment_split_known'),
        ),
    ])]
