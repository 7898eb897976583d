"""How long a remembered answer took."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learning", "0019_training_budgets")]
    operations = [
        migrations.AddField(
            model_name="llmresponse", name="seconds", field=models.FloatField(blank=True, null=True)
        ),
    ]
