from django.db import migrations, models

from organizations.schema_changes import AtOnce


class Migration(migrations.Migration):

    dependencies = [
        ('learning', '0007_opentelemetry_spans_and_retrievals'),
        ('organizations', '0003_key_life'),
    ]

    operations = [AtOnce([
        migrations.AddField(
            model_name='learningexample',
            name='consensus_weight',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='learningexample',
            constraint=models.CheckConstraint(condition=models.Q(('consensus_weight__isnull', True), ('consensus_weight__range', (0, 1)), _connector='OR'), name='learningexample_consensus_weight_range'),
        ),
    ])]
