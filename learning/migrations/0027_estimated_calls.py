from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("learning", "0026_insight_in_depth")]

    operations = [
        migrations.AddField(
            model_name=model,
            name="estimated_calls",
            field=models.PositiveIntegerField(db_default=0, default=0),
        )
        for model in ("trainingrun", "gatereport")
    ]
