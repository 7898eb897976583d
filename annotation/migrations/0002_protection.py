"""Row-level security of the tables of review."""

from django.db import migrations

from organizations.protection import ProtectTenantTable

# What is pointed at stands before what points there.
TABLES = ("AnnotationQueue", "Slot", "ExpertAnnotation", "AnnotationDraft")


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0001_initial"),
        ("learning", "0003_protection"),
        ("organizations", "0002_protection"),
    ]
    operations = [ProtectTenantTable(name) for name in TABLES]
