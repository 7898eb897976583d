from django.db import migrations, models

VERDICTS = [
    ("inconclusive", "Inconclusive"),
    ("control", "Control"),
    ("treatment", "Treatment"),
    ("stopped_for_harm", "Stopped for harm"),
]


class Migration(migrations.Migration):
    dependencies = [("experiments", "0006_outcome_marks")]
    operations = [
        migrations.RemoveConstraint(model_name="analysis", name="analysis_verdict_known"),
        migrations.AlterField(
            model_name="analysis",
            name="verdict",
            field=models.CharField(choices=VERDICTS, default="inconclusive", max_length=20),
        ),
        migrations.AddConstraint(
            model_name="analysis",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", [value for value, _ in VERDICTS])), name="analysis_verdict_known"
            ),
        ),
    ]
