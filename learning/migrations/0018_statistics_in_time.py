"""Has the planner's statistics renewed after 1 % of change, not 10 %.

Organizations share these tables: in one of a million rows an organization could write 100,000 that the statistics do
not know, and joins over its rows would be planned as if there were one.
"""

from django.db import migrations

TABLES = ("learning_learningexample", "learning_datasetexample")


class Migration(migrations.Migration):
    dependencies = [("learning", "0017_fewer_example_indexes")]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET (autovacuum_analyze_scale_factor = 0.01)",
            f"ALTER TABLE {table} RESET (autovacuum_analyze_scale_factor)",
        )
        for table in TABLES
    ]
