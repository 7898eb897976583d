"""Spans of OpenTelemetry while their traces come in, and what executions looked up."""

import django.db.models.deletion
import organizations.fields
import organizations.models
import uuid_utils.compat
from django.db import migrations, models

from organizations.protection import ProtectTenantTable
from organizations.schema_changes import AtOnce


class Migration(migrations.Migration):

    dependencies = [
        ('learning', '0006_partitions_beside_stray_rows'),
        ('organizations', '0003_key_life'),
    ]

    operations = [AtOnce([
        migrations.CreateModel(
            name='RetrievalEvent',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('external_id', models.CharField(max_length=200)),
                ('query', models.TextField(blank=True)),
                ('documents', models.JSONField(blank=True, default=list)),
                ('execution', organizations.fields.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='retrievals', to='learning.execution')),
                ('organization', models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'external_id'), name='retrieval_event_external_id_once')],
            },
        ),
        migrations.CreateModel(
            name='TelemetrySpan',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('trace_id', models.CharField(max_length=32)),
                ('span_id', models.CharField(max_length=16)),
                ('parent_id', models.CharField(blank=True, max_length=16)),
                ('started', models.BigIntegerField()),
                ('ended', models.BigIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('reading', models.JSONField(blank=True, default=dict)),
                ('waiting', models.BooleanField(default=False)),
                ('is_root', models.BooleanField(default=False)),
                ('execution', organizations.fields.TenantForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='spans', to='learning.execution')),
                ('organization', models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'created_at'], name='telemetry_span_age'), models.Index(condition=models.Q(('waiting', True)), fields=['organization', 'created_at', 'trace_id'], name='telemetry_span_waiting')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'trace_id', 'span_id'), name='telemetry_span_once')],
            },
        ),
    ]),
        ProtectTenantTable("RetrievalEvent"),
        ProtectTenantTable("TelemetrySpan"),
    ]
