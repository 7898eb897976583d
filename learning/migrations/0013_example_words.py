"""The words of examples, for searching; see docs/decisions/0014."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

import organizations.models
from organizations.protection import ProtectTenantTable


class Migration(migrations.Migration):
    dependencies = [("learning", "0012_imported_rows")]
    operations = [
        # A trusted extension: the owner of the database may create it. It stays when this is taken back.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gin", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="ExampleWords",
            fields=[
                ("pk", models.CompositePrimaryKey("organization", "example_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("organization", models.ForeignKey(db_index=False, default=organizations.models.scoped_organization_id, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization")),
                ("example_id", models.UUIDField()),
                ("words", django.contrib.postgres.search.SearchVectorField()),
            ],
            options={
                "indexes": [django.contrib.postgres.indexes.GinIndex(fields=["organization", "words"], name="example_words_found")],
            },
        ),
        ProtectTenantTable("ExampleWords"),
    ]
