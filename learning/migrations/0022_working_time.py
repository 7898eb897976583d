"""The time that is worked on a training run, without that in which nobody does; and what the checks of a gate take."""

from django.db import migrations, models

# What was under way began when it was first started, and runs that were ended from outside had no seconds. The owner is
# subject to row-level security too.
FILL = """
ALTER TABLE learning_trainingrun NO FORCE ROW LEVEL SECURITY;
UPDATE learning_trainingrun SET claimed_at = started_at WHERE status = 'running';
UPDATE learning_trainingrun SET seconds = greatest(0, extract(epoch FROM finished_at - started_at))
WHERE seconds = 0 AND finished_at IS NOT NULL AND started_at IS NOT NULL;
ALTER TABLE learning_trainingrun FORCE ROW LEVEL SECURITY;
"""
# What was spent on earlier gates nobody has counted.
UNKNOWN = """
ALTER TABLE learning_gatereport NO FORCE ROW LEVEL SECURITY;
UPDATE learning_gatereport SET cost = NULL WHERE attempt > 0;
ALTER TABLE learning_gatereport FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("learning", "0021_helpers_of_chunks")]
    operations = [
        migrations.AddField(
            model_name="trainingrun", name="claimed_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            model_name="gatereport", name="llm_calls", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            model_name="gatereport", name="input_tokens", field=models.PositiveBigIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            model_name="gatereport", name="output_tokens", field=models.PositiveBigIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            model_name="gatereport",
            name="cost",
            field=models.DecimalField(blank=True, db_default=0, decimal_places=8, default=0, max_digits=16, null=True),
        ),
        migrations.AddConstraint(
            model_name="gatereport",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost__isnull", True), ("cost__gte", 0), _connector="OR"),
                name="gatereport_cost_range",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(UNKNOWN, migrations.RunSQL.noop),
    ]
