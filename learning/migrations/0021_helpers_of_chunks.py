"""Who helps with a chunk, so that no more do than the run may ask calls at a time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learning", "0020_seconds_of_answers")]
    operations = [
        migrations.AddField(
            model_name="evaluationchunk", name="helper", field=models.CharField(blank=True, default="", max_length=32)
        ),
    ]
