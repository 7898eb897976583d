"""Leaves out indexes that others cover: each costs every example that is stored.

Those of the agent, the feedback and the rule begin other indexes; the list in order of age reads the unique key
(organization, id) backwards; and of examples without an execution nobody looks for one.
"""

from django.db import migrations

TABLE = "learning_learningexample"
COVERED = ("agent_id", "source_feedback_id", "rule_id")
EXECUTION = f'CREATE INDEX "{TABLE}_source_execution_id_org_ix" ON "{TABLE}" (organization_id, source_execution_id)'
NO_EXECUTION = f'DROP INDEX "{TABLE}_source_execution_id_org_ix"'


class Migration(migrations.Migration):
    dependencies = [("learning", "0016_words_of_duplicates")]
    operations = [
        migrations.RemoveIndex(model_name="learningexample", name="example_recent"),
        *(
            migrations.RunSQL(
                f'DROP INDEX "{TABLE}_{column}_org_ix"',
                f'CREATE INDEX "{TABLE}_{column}_org_ix" ON "{TABLE}" (organization_id, {column})',
            )
            for column in COVERED
        ),
        migrations.RunSQL(
            [NO_EXECUTION, f"{EXECUTION} WHERE source_execution_id IS NOT NULL"], [NO_EXECUTION, EXECUTION]
        ),
    ]
