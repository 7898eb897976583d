"""Publishing many examples reads each a few times, also where the planner's statistics have never seen them."""

from __future__ import annotations

import pytest
from django.db import connection

from learning.services import publication
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import database, factories

pytestmark = pytest.mark.django_db(transaction=True)
NEW = 600
STOCK = """
INSERT INTO learning_learningexample (id, organization_id, created_at, updated_at, agent_id, example_type, source_type,
  input_text, input_context, original_output, expected_output, rejected_output, domain, task_type, tags, review_status,
  cluster_key, input_hash, content_hash, prepared_version)
SELECT gen_random_uuid(), %(organization)s, now(), now(), %(agent)s, 'demonstration', 'import', 'Text ' || n, '{}', '',
  'Yes.', '', '', '', '{}', 'approved', md5(n::text), md5(n::text), md5(n::text), 99
FROM generate_series(1, %(examples)s) n
"""
READ = """
SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'learning_learningexample'
"""


def test_a_version_of_an_organization_that_statistics_do_not_know_is_published_in_a_few_passes(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "MANY", 100)
    other = factories.make_organization("Birch")
    for one, examples in ((other, 20_000), (organization, NEW)):
        with organization_scope(one.id):
            agent = factories.make_agent()
            with connection.cursor() as cursor:
                cursor.execute(STOCK, {"organization": one.id, "agent": agent.pk, "examples": examples})
        if one == other:
            with database.owner_connection(connection.settings_dict["NAME"]) as owner:
                owner.execute("VACUUM (ANALYZE) learning_learningexample, learning_datasetexample")
    with organization_scope(organization.id):
        version = publish_version(dataset=create_dataset(name="Late", agent=agent))
        with connection.cursor() as cursor:
            cursor.execute(READ)
            (read,) = cursor.fetchone()
    assert version.total == NEW
    assert read < 80 * NEW  # 40 by passes over all, 900 by loops


@pytest.mark.parametrize("table", ["learning_learningexample", "learning_datasetexample"])
def test_statistics_of_what_organizations_share_are_renewed_after_little_change(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [table])
        assert cursor.fetchone() == (["autovacuum_analyze_scale_factor=0.01"],)
