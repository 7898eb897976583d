"""Says "near-duplicates" where people read it; nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learning", "0015_example_user")]
    operations = [
        migrations.AlterField(
            model_name="trainingdataset",
            name="duplicates",
            field=models.CharField(
                choices=[("keep", "Keep all that differ"), ("representative", "One of those that resemble each other")],
                db_default="keep",
                default="keep",
                max_length=15,
            ),
        ),
    ]
