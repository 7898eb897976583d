from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("experiments", "0009_plural_names")]
    operations = [
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=Q(layer_start=None) | Q(layer_start__lte=10_000 - F("layer_buckets")),
                name="experiment_layer_range_inside",
            ),
        ),
    ]
