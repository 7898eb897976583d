from django.db import migrations, models

from organizations.schema_changes import AtOnce

COLUMNS = ("relative_lift", "relative_low", "relative_high")


class Migration(migrations.Migration):
    dependencies = [("experiments", "0007_stopped_for_harm")]
    operations = [
        AtOnce([
            migrations.AddField("metricresult", name, models.FloatField(blank=True, null=True)) for name in COLUMNS
        ])
    ]
