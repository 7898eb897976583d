"""Pairs of answers and aspects in the reports of the human-feedback learner, and numbers of texts that are computed once.

Triggers forget the numbers of a text that changes or goes, so that none outlives what it was computed from.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import organizations.models
from organizations.protection import ProtectTenantTable
from organizations.schema_changes import AtOnce

FORGET = """
CREATE FUNCTION forget_text_numbers() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM learning_textnumbers WHERE organization_id = OLD.organization_id AND source_id = OLD.id;
  RETURN NULL;
END $$;
CREATE FUNCTION forget_answer_numbers() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM learning_textnumbers WHERE organization_id = OLD.organization_id AND (source_id = OLD.id OR source_id = ANY(
    ARRAY(SELECT id FROM learning_agentfeedback WHERE organization_id = OLD.organization_id AND execution_id = OLD.id)));
  RETURN NULL;
END $$;
"""
# (table, the texts, what forgets, which rows have numbers at all)
SOURCES = (
    ("learning_execution", ("input", "output"), "forget_answer_numbers", ""),
    ("learning_learningexample", ("input_text", "original_output"), "forget_text_numbers", ""),
    ("learning_agentfeedback", ("correction_text", "execution_id"), "forget_text_numbers",
     "OLD.correction_text <> ''"),
)  # fmt: skip


def _triggers(table: str, texts: tuple[str, ...], function: str, having: str) -> str:
    before, after = (", ".join(f"{row}.{name}" for name in texts) for row in ("OLD", "NEW"))
    both = f"({before}) IS DISTINCT FROM ({after})"
    changed, gone = (f"{both} AND {having}", f" WHEN ({having})") if having else (both, "")
    return f"""
CREATE TRIGGER text_numbers_outdated AFTER UPDATE ON {table} FOR EACH ROW WHEN ({changed})
  EXECUTE FUNCTION {function}();
CREATE TRIGGER text_numbers_gone AFTER DELETE ON {table} FOR EACH ROW{gone} EXECUTE FUNCTION {function}();
"""


TRIGGERS = FORGET + "".join(_triggers(*source) for source in SOURCES)
NO_TRIGGERS = "".join(
    f"DROP TRIGGER text_numbers_outdated ON {table}; DROP TRIGGER text_numbers_gone ON {table};"
    for table, *_ in SOURCES
) + "DROP FUNCTION forget_text_numbers(); DROP FUNCTION forget_answer_numbers();"


class Migration(migrations.Migration):
    dependencies = [("learning", "0025_recorded_demonstrations")]
    operations = [
        AtOnce([
            migrations.AddField("insightreport", "preferred", models.JSONField(default=dict)),
            migrations.AlterField("reviewerpreferencemodel", "mean", models.FloatField(blank=True, null=True)),
            migrations.AddField("reviewerpreferencemodel", "aspect_weights", models.JSONField(default=dict)),
            migrations.AddField("reviewerpreferencemodel", "pairs", models.PositiveIntegerField(default=0)),
            migrations.AddField("reviewerpreferencemodel", "pair_accuracy", models.FloatField(blank=True, null=True)),
            migrations.AddField("reviewerpreferencemodel", "pair_weights", models.JSONField(default=dict)),
            migrations.AddConstraint(
                "reviewerpreferencemodel",
                models.CheckConstraint(
                    condition=models.Q(("pair_accuracy__isnull", True), ("pair_accuracy__range", (0, 1)), _connector="OR"),
                    name="reviewerpreferencemodel_pair_accuracy_range",
                ),
            ),
            migrations.CreateModel(
                name="TextNumbers",
                fields=[
                    ("pk", models.CompositePrimaryKey("organization", "source_id", blank=True, editable=False, primary_key=True, serialize=False)),
                    ("organization", models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization")),
                    ("source_id", models.UUIDField()),
                    ("version", models.PositiveSmallIntegerField()),
                    ("numbers", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                    ("case", models.CharField(blank=True, db_default="", max_length=32)),
                ],
                options={"verbose_name": "numbers of texts", "verbose_name_plural": "numbers of texts"},
            ),
        ]),
        ProtectTenantTable("TextNumbers"),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
