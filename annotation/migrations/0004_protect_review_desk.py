"""Row-level security of the newer tables of review, and what their rows need to be found quickly."""

from django.db import migrations

from organizations.protection import ProtectTenantKeys, ProtectTenantTable

# The owner is subject to row-level security too and would see no row: it is lifted for this transaction alone.
COPY_FILTERS = """
ALTER TABLE annotation_slot NO FORCE ROW LEVEL SECURITY;
ALTER TABLE learning_learningexample NO FORCE ROW LEVEL SECURITY;
UPDATE annotation_slot s SET agent_id = e.agent_id, domain = e.domain, example_type = e.example_type
  FROM learning_learningexample e WHERE e.id = s.example_id AND e.organization_id = s.organization_id;
ALTER TABLE annotation_slot FORCE ROW LEVEL SECURITY;
ALTER TABLE learning_learningexample FORCE ROW LEVEL SECURITY;
"""
# Room in each page for the newer versions of its rows, so that a claim stays in it and writes no index; and cleaning
# that does not wait until a fifth of a large table is dead, for what was finished stands at the front of the order.
ROOM = """
ALTER TABLE annotation_slot SET (
  fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_review_desk")]
    operations = [
        *(ProtectTenantTable(name) for name in ("Rubric", "QueueSeat", "GoldItem", "ItemFlag")),
        ProtectTenantKeys("AnnotationQueue", ["rubric"]),
        ProtectTenantKeys("ExpertAnnotation", ["rubric"]),
        ProtectTenantKeys("Slot", ["agent"]),
        migrations.RunSQL(COPY_FILTERS, migrations.RunSQL.noop),
        migrations.RunSQL(
            ROOM,
            "ALTER TABLE annotation_slot RESET "
            "(fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)",
        ),
    ]
