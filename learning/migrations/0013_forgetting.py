"""People can be forgotten and old texts removed: receipts, marks, and sums that stay when their rows go."""

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import organizations.models
from organizations.protection import LetOwnerErase, ProtectTenantTable
from organizations.schema_changes import AtOnce

MARK_DELETED = """
CREATE OR REPLACE FUNCTION mark_deleted_feedback() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  {unless}INSERT INTO learning_feedbackrollupmark (id, organization_id, created_at, updated_at, agent_id, hour, transaction)
  SELECT gen_random_uuid(), organization_id, now(), now(), agent_id, date_trunc('hour', created_at, 'UTC'),
    pg_current_xact_id()::text::bigint
  FROM gone GROUP BY organization_id, agent_id, date_trunc('hour', created_at, 'UTC')
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
"""
# Retention removes what is summed up for good: its hours are not made anew.
UNLESS = "IF current_setting('app.retaining', true) = 'on' THEN RETURN NULL; END IF;\n  "


class Migration(migrations.Migration):
    dependencies = [
        ("learning", "0013_example_words"),
        ("organizations", "0005_forgetting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [AtOnce([
        migrations.AddField("agentconfig", "erased_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("agentfeedback", "removed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("execution", "removed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("feedbackrollupprogress", "rows_since", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="ErasureReceipt",
            fields=[
                ("id", models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("job_id", models.UUIDField()),
                ("subject", models.CharField(max_length=64)),
                ("actor_label", models.CharField(max_length=200)),
                ("counts", models.JSONField(default=dict)),
                ("versions", models.JSONField(default=list)),
                ("retrain", models.JSONField(default=list)),
                ("organization", models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization")),
                ("user", models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "erasure receipt",
                "indexes": [models.Index(fields=["organization", "subject", "-id"], name="erasure_of_subject")],
                "constraints": [models.UniqueConstraint(fields=("organization", "job_id"), name="erasure_receipt_once")],
            },
        ),
        migrations.RemoveConstraint("datasetversion", "dataset_version_content_once"),
        migrations.AddConstraint(
            "datasetversion",
            models.UniqueConstraint(
                fields=("organization", "dataset", "manifest_hash"),
                name="dataset_version_content_once",
                condition=models.Q(("erased_at__isnull", True)),
            ),
        ),
    ]),
        ProtectTenantTable("ErasureReceipt", append_only=True),
        LetOwnerErase(),
        migrations.RunSQL(MARK_DELETED.format(unless=UNLESS), MARK_DELETED.format(unless="")),
    ]
