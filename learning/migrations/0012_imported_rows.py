"""By what an imported example is known again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learning", "0011_example_rules")]
    operations = [
        migrations.AddField(
            model_name="learningexample",
            name="source_hash",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
    ]
