"""Room in the pages of outcomes: a unit that came back is then updated where it is, and no index is written."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("experiments", "0010_layer_range")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE experiments_unitoutcome SET (fillfactor = 90)",
            "ALTER TABLE experiments_unitoutcome RESET (fillfactor)",
        )
    ]
