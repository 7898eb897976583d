"""The owner can remove an organization with its reviews."""

from django.db import migrations

from organizations.protection import LetOwnerErase


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_skipped_and_added_slots"), ("organizations", "0005_forgetting")]
    operations = [LetOwnerErase()]
