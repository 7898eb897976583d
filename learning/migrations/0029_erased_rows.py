import django.db.models.deletion
from django.db import migrations, models

import organizations.models
from organizations.protection import ProtectTenantTable


class Migration(migrations.Migration):
    dependencies = [("learning", "0028_plural_names")]
    operations = [
        migrations.CreateModel(
            name="ErasedRow",
            fields=[
                ("pk", models.CompositePrimaryKey("organization", "digest", blank=True, editable=False, primary_key=True, serialize=False)),
                ("organization", models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization")),
                ("digest", models.CharField(max_length=64)),
            ],
            options={"verbose_name": "erased row"},
        ),
        ProtectTenantTable("ErasedRow", append_only=True),
    ]
