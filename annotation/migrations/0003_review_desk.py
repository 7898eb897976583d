import annotation.models.queues
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import organizations.fields
import organizations.models
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from organizations.schema_changes import AtOnce


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0002_protection'),
        ('learning', '0003_protection'),
        ('organizations', '0002_protection'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [AtOnce([
        migrations.CreateModel(
            name='GoldItem',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('right_decision', models.CharField(choices=[('approve', 'Approved'), ('reject', 'Rejected'), ('request_changes', 'Needs revision')], max_length=15)),
                ('right_answers', models.JSONField(blank=True, default=dict)),
                ('shown_output', models.TextField(blank=True)),
                ('explanation', models.TextField(blank=True)),
                ('active', models.BooleanField(default=True)),
            ],
            options={
                'verbose_name': 'gold item',
            },
        ),
        migrations.CreateModel(
            name='ItemFlag',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('reason', models.CharField(choices=[('unclear', 'It cannot be judged as it is'), ('personal_data', 'It holds personal data'), ('unsafe', 'It is unsafe'), ('duplicate', 'It is there twice'), ('wrong_queue', 'It belongs elsewhere'), ('other', 'Something else')], max_length=15)),
                ('note', models.TextField(blank=True)),
                ('status', models.CharField(choices=[('open', 'Open'), ('dismissed', 'Dismissed: the item is back in its queue'), ('removed', 'The example was rejected')], default='open', max_length=10)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'flag',
            },
        ),
        migrations.CreateModel(
            name='QueueSeat',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('holding', models.UUIDField(blank=True, null=True)),
                ('passed_priority', models.SmallIntegerField(blank=True, null=True)),
                ('passed_tiebreak', models.FloatField(blank=True, null=True)),
                ('passed_since', models.DateTimeField(blank=True, null=True)),
                ('passed_id', models.UUIDField(blank=True, null=True)),
                ('passed_at', models.DateTimeField(blank=True, null=True)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('paused_because', models.TextField(blank=True)),
                ('judged_from', models.DateTimeField(default=annotation.models.queues.beginning)),
                ('reliability', models.FloatField(blank=True, null=True)),
                ('confusion', models.JSONField(blank=True, default=dict)),
                ('estimated_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'seat',
            },
        ),
        migrations.CreateModel(
            name='Rubric',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=100)),
                ('version', models.PositiveIntegerField(default=1)),
                ('questions', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'rubric',
            },
        ),
        migrations.RemoveConstraint(
            model_name='expertannotation',
            name='annotation_once',
        ),
        migrations.RemoveConstraint(
            model_name='slot',
            name='slot_once',
        ),
        migrations.RemoveConstraint(
            model_name='slot',
            name='slot_held_once',
        ),
        migrations.RemoveConstraint(
            model_name='slot',
            name='slot_status_known',
        ),
        migrations.RemoveIndex(
            model_name='slot',
            name='slot_order',
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='audit_share',
            field=models.FloatField(default=0.1),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='auto_approve',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='blind',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='disagreement_threshold',
            field=models.FloatField(default=0.5),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='experts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='gold_bar',
            field=models.FloatField(default=0.7),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='gold_minimum',
            field=models.PositiveSmallIntegerField(default=5),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='gold_share',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='looked_at',
            field=models.DateTimeField(default=annotation.models.queues.beginning),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='max_reviews',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='on_reject',
            field=models.CharField(choices=[('out', 'The example is rejected'), ('revision', 'The example goes back for revision')], default='out', max_length=10),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='skip_policy',
            field=models.CharField(choices=[('free', 'Anybody may skip'), ('reason', 'Only with a reason'), ('never', 'Nobody may skip')], default='free', max_length=10),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='statuses',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15), default=annotation.models.queues.first_statuses, size=None),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='answers',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='gold_right',
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='kind',
            field=models.CharField(choices=[('review', 'Review'), ('adjudication', 'Adjudication'), ('gold', 'Gold')], default='review', max_length=12),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='preferred',
            field=models.CharField(blank=True, choices=[('expected', 'The expected output is better'), ('equal', 'Both are equally good'), ('rejected', 'The rejected output is better')], default='', max_length=10),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='round',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='strength',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='slot',
            name='agent',
            field=organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='learning.agent'),
        ),
        migrations.AddField(
            model_name='slot',
            name='domain',
            field=models.CharField(blank=True, db_default='', max_length=100),
        ),
        migrations.AddField(
            model_name='slot',
            name='example_type',
            field=models.CharField(blank=True, db_default='', max_length=15),
        ),
        migrations.AddField(
            model_name='slot',
            name='kind',
            field=models.CharField(choices=[('review', 'Review'), ('adjudication', 'Adjudication'), ('gold', 'Gold')], default='review', max_length=12),
        ),
        migrations.AddField(
            model_name='slot',
            name='opened_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name='slot',
            name='round',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AlterField(
            model_name='slot',
            name='status',
            field=models.CharField(choices=[('open', 'Open'), ('claimed', 'Claimed'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('set_aside', 'Set aside')], default='open', max_length=10),
        ),
        migrations.AddField(
            model_name='slot',
            name='waiting',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(status__in=('open', 'claimed'), then=True), default=False), output_field=models.BooleanField()),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('waiting', True)), fields=['organization', 'queue', 'kind', 'priority', 'tiebreak', 'waiting_since', 'id'], name='slot_order'),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('waiting', True)), fields=['organization', 'queue', 'opened_at'], name='slot_opened'),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('waiting', True)), fields=['organization', 'priority', 'tiebreak', 'waiting_since', 'id'], name='slot_list'),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('waiting', True)), fields=['organization', 'agent', 'priority', 'tiebreak', 'waiting_since', 'id'], name='slot_of_agent'),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('waiting', True)), fields=['organization', 'domain', 'priority', 'tiebreak', 'waiting_since', 'id'], name='slot_of_domain'),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('waiting', False)), fields=['organization', '-id'], name='slot_past'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.UniqueConstraint(fields=('organization', 'example', 'stage', 'round', 'kind', 'number'), name='slot_once'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'claimed', 'done', 'cancelled', 'set_aside'])), name='slot_status_known'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['review', 'adjudication', 'gold'])), name='slot_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('round__isnull', True), ('round__gte', 1), _connector='OR'), name='slot_round_range'),
        ),
        migrations.AddField(
            model_name='golditem',
            name='example',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='gold_items', to='learning.learningexample'),
        ),
        migrations.AddField(
            model_name='golditem',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='golditem',
            name='queue',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='gold_items', to='annotation.annotationqueue'),
        ),
        migrations.AddField(
            model_name='itemflag',
            name='expert',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='itemflag',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='itemflag',
            name='resolved_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='itemflag',
            name='slot',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='annotation.slot'),
        ),
        migrations.AddField(
            model_name='queueseat',
            name='expert',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='queueseat',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='queueseat',
            name='queue',
            field=organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='seats', to='annotation.annotationqueue'),
        ),
        migrations.AddField(
            model_name='rubric',
            name='organization',
            field=models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='annotationqueue',
            name='rubric',
            field=organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='queues', to='annotation.rubric'),
        ),
        migrations.AddField(
            model_name='expertannotation',
            name='rubric',
            field=organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='annotations', to='annotation.rubric'),
        ),
        migrations.AddIndex(
            model_name='expertannotation',
            index=models.Index(fields=['organization', 'expert', '-created_at'], name='annotation_of_expert'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('skip_policy__in', ['free', 'reason', 'never'])), name='annotationqueue_skip_policy_known'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('on_reject__in', ['out', 'revision'])), name='annotationqueue_on_reject_known'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('max_reviews__isnull', True), ('max_reviews__range', (1, 40)), _connector='OR'), name='annotationqueue_max_reviews_range'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('disagreement_threshold__isnull', True), ('disagreement_threshold__range', (0, 1)), _connector='OR'), name='annotationqueue_disagreement_threshold_range'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('gold_share__isnull', True), ('gold_share__range', (0, 0.5)), _connector='OR'), name='annotationqueue_gold_share_range'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('gold_bar__isnull', True), ('gold_bar__range', (0, 1)), _connector='OR'), name='annotationqueue_gold_bar_range'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('gold_minimum__isnull', True), ('gold_minimum__range', (1, 1000)), _connector='OR'), name='annotationqueue_gold_minimum_range'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('audit_share__isnull', True), ('audit_share__range', (0, 1)), _connector='OR'), name='annotationqueue_audit_share_range'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('statuses__len__gte', 1)), name='annotation_queue_has_a_status'),
        ),
        migrations.AddConstraint(
            model_name='annotationqueue',
            constraint=models.CheckConstraint(condition=models.Q(('max_reviews__isnull', True), ('max_reviews__gte', models.F('reviews_per_item')), _connector='OR'), name='annotation_queue_max_reviews_enough'),
        ),
        migrations.AddConstraint(
            model_name='expertannotation',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['review', 'adjudication', 'gold'])), name='expertannotation_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='expertannotation',
            constraint=models.CheckConstraint(condition=models.Q(('round__isnull', True), ('round__gte', 1), _connector='OR'), name='expertannotation_round_range'),
        ),
        migrations.AddConstraint(
            model_name='expertannotation',
            constraint=models.CheckConstraint(condition=models.Q(('strength__isnull', True), ('strength__range', (1, 3)), _connector='OR'), name='expertannotation_strength_range'),
        ),
        migrations.AddConstraint(
            model_name='expertannotation',
            constraint=models.CheckConstraint(condition=models.Q(('preferred__in', ['', 'expected', 'equal', 'rejected'])), name='expertannotation_preferred_known'),
        ),
        migrations.AddConstraint(
            model_name='expertannotation',
            constraint=models.UniqueConstraint(condition=models.Q(('extra', False), ('superseded_by__isnull', True), ('withdrawn_at__isnull', True)), fields=('organization', 'expert', 'example', 'stage', 'round', 'kind'), name='annotation_once'),
        ),
        migrations.AddConstraint(
            model_name='golditem',
            constraint=models.UniqueConstraint(fields=('organization', 'queue', 'example'), name='gold_item_once'),
        ),
        migrations.AddConstraint(
            model_name='golditem',
            constraint=models.CheckConstraint(condition=models.Q(('right_decision__in', ['approve', 'reject', 'request_changes'])), name='golditem_right_decision_known'),
        ),
        migrations.AddIndex(
            model_name='itemflag',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['organization', '-created_at'], name='flag_open'),
        ),
        migrations.AddConstraint(
            model_name='itemflag',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['unclear', 'personal_data', 'unsafe', 'duplicate', 'wrong_queue', 'other'])), name='itemflag_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='itemflag',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'dismissed', 'removed'])), name='itemflag_status_known'),
        ),
        migrations.AddConstraint(
            model_name='queueseat',
            constraint=models.UniqueConstraint(fields=('organization', 'queue', 'expert'), name='seat_once'),
        ),
        migrations.AddConstraint(
            model_name='queueseat',
            constraint=models.CheckConstraint(condition=models.Q(('reliability__isnull', True), ('reliability__range', (0, 1)), _connector='OR'), name='queueseat_reliability_range'),
        ),
        migrations.AddConstraint(
            model_name='rubric',
            constraint=models.UniqueConstraint(fields=('organization', 'name', 'version'), name='rubric_version_once'),
        ),
        migrations.AddConstraint(
            model_name='rubric',
            constraint=models.CheckConstraint(condition=models.Q(('version__isnull', True), ('version__gte', 1), _connector='OR'), name='rubric_version_range'),
        ),
    ])]
