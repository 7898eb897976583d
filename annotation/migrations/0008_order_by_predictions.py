"""When a queue was last put in the order of the quality predictor's word."""

from django.db import migrations, models

import annotation.models.queues


class Migration(migrations.Migration):
    dependencies = [("annotation", "0007_slots_by_type")]
    operations = [
        migrations.AddField(
            "annotationqueue", "ordered_at", models.DateTimeField(default=annotation.models.queues.beginning)
        )
    ]
