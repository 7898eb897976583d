"""Whose an example is that came with a user, so that it is erased with them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learning", "0014_forgiven_attempts")]
    operations = [
        migrations.AddField(
            model_name="learningexample",
            name="user",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
    ]
