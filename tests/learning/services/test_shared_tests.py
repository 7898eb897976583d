"""To compare test splits reads each item a few times, also where the planner's statistics have never seen them."""

from __future__ import annotations

import pytest
from django.db import connection

from learning.models import DatasetVersion
from learning.services.datasets import create_dataset
from learning.services.shared_tests import IN_ORDER, versions_sharing_tests
from organizations.scope import current_organization_id
from tests import factories

# In a transaction of its own, as in the product: a savepoint puts back settings that would stay there.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("scope")]
EACH = 400  # test items of a version
STOCK = """
INSERT INTO learning_learningexample (id, organization_id, created_at, updated_at, agent_id, example_type, source_type,
  input_text, input_context, original_output, expected_output, rejected_output, domain, task_type, tags, review_status,
  cluster_key)
SELECT md5(n::text)::uuid, %(organization)s, now(), now(), %(agent)s, 'demonstration', 'import', 'Text', '{}', '',
  'Yes.', '', '', '', '{}', 'approved', n FROM generate_series(1, 2 * %(each)s) n;
INSERT INTO learning_splitassignment (id, organization_id, created_at, updated_at, key, split)
SELECT gen_random_uuid(), %(organization)s, now(), now(), n, 'test' FROM generate_series(1, 2 * %(each)s) n;
INSERT INTO learning_datasetexample (id, organization_id, created_at, updated_at, version_id, example_id, split,
  cluster_key, group_key, example_type, input_text, input_context, original_output, expected_output, rejected_output,
  content_hash, weight)
SELECT gen_random_uuid(), %(organization)s, now(), now(), CASE WHEN n <= %(each)s THEN %(one)s ELSE %(other)s END,
  md5(n::text)::uuid, 'test', n, n, 'demonstration', 'Text', '{}', '', 'Yes.', '', '', 1
FROM generate_series(1, 2 * %(each)s) n;
"""
READ = """
SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'learning_datasetexample'
"""


def test_versions_that_share_nothing_are_told_apart_in_a_few_passes() -> None:
    dataset, counts = create_dataset(name="Two"), dict.fromkeys(("train_count", "validation_count"), 0)
    one, other = (
        DatasetVersion.objects.create(
            dataset=dataset, number=number, manifest_hash=str(number), total=EACH, test_count=EACH, **counts
        ).pk
        for number in (1, 2)
    )
    agent = factories.make_agent().pk
    given = {"organization": current_organization_id(), "agent": agent, "each": EACH, "one": one, "other": other}
    with connection.cursor() as cursor:
        cursor.execute(STOCK, given)
        cursor.execute(READ)
        before = cursor.fetchone()[0]
        assert versions_sharing_tests(one, others=[other]) == set()
        cursor.execute(READ)
        assert cursor.fetchone()[0] - before < 5 * 2 * EACH, "not every item of one for each of the other"
        for way in IN_ORDER:
            cursor.execute(f"SHOW {way}")
            assert cursor.fetchone() == ("on",), "again, for whatever comes after it"
