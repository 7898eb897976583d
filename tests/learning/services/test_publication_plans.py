"""Publishing many examples reads each a few times, also where the planner's statistics have never seen them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from learning.models import Agent
from learning.services import publication
from learning.services.dataset_preview import preview_version
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.planning import learn_statistics

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = 20_000  # examples of another organization
SAID = 6_000  # pieces of feedback, and as many executions, of each organization
TABLES = (
    "learning_learningexample", "learning_datasetexample", "learning_splitassignment", "learning_agentfeedback",
    "learning_execution", "learning_agent",
)  # fmt: skip
# A UUIDv7 of the n-th row: executions lie in partitions by the time in it.
KEY = """(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || substr(md5(n || 'x'), 1, 3)
  || '8' || right(%(organization)s::text, 4) || substr(md5(n || 'x'), 4, 11))::uuid"""
STOCK = f"""
INSERT INTO learning_agentfeedback (id, organization_id, created_at, updated_at, agent_id, execution_external_id,
  "user", feedback_type, feedback_text, correction_text, issue_categories, consent, digest)
SELECT {KEY}, %(organization)s, now(), now(), %(agent)s, '', '', 'thumbs_up', '', '', '{{}}', true, ''
FROM generate_series(1, %(said)s) n;
INSERT INTO learning_execution (id, organization_id, created_at, updated_at, agent_id, external_id, variant, "user",
  input, context, output, status, metadata, started_at)
SELECT {KEY}, %(organization)s, now(), now(), %(agent)s, n::text, '', '', '', '{{}}', '', 'completed', '{{}}', now()
FROM generate_series(1, %(said)s) n;
INSERT INTO learning_learningexample (id, organization_id, created_at, updated_at, agent_id, example_type, source_type,
  input_text, input_context, original_output, expected_output, rejected_output, domain, task_type, tags, review_status,
  cluster_key, input_hash, content_hash, prepared_version, source_execution_id, source_feedback_id)
SELECT gen_random_uuid(), %(organization)s, now(), now(), %(agent)s, 'demonstration', 'import', 'Text ' || n, '{{}}',
  '', 'Yes.', '', '', '', '{{}}', 'approved', md5(n::text), md5(n::text), md5(n::text), 99,
  CASE WHEN n <= %(said)s THEN {KEY} END, CASE WHEN n <= %(said)s THEN {KEY} END
FROM generate_series(1, %(examples)s) n;
"""
READ = """
SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables WHERE relname ~ %s
"""


def stock(organization: Organization, examples: int) -> Agent:
    """An agent of many executions and as much feedback; its first examples come from some of them."""
    with organization_scope(organization.id), connection.cursor() as cursor:
        agent = factories.make_agent()
        values = {"organization": organization.id, "agent": agent.pk, "examples": examples, "said": SAID}
        cursor.execute(STOCK, values)
    return agent


def told(question: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchone()[0]


def rows_read(tables: str) -> int:
    """In this transaction, those of partitions too."""
    return int(told(READ, f"^({tables})(_[0-9]+)?$"))


@pytest.mark.parametrize(("known", "items"), [("others alone", 600), ("all", 60)])
def test_a_version_is_published_in_a_few_passes_whatever_the_statistics_know(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, known: str, items: int
) -> None:
    monkeypatch.setattr(publication, "MANY", 50)
    stock(factories.make_organization("Birch"), OTHERS)
    learn_statistics(*TABLES)
    agent = stock(organization, items)
    if known == "all":
        learn_statistics(*TABLES)
    with organization_scope(organization.id):
        dataset = create_dataset(name="Late", agent=agent, group_by="user")
        assert preview_version(dataset=dataset).total == items
        assert rows_read("learning_agentfeedback|learning_execution") < 5 * items, "each item's own"
    with organization_scope(organization.id):
        version = publish_version(dataset=dataset)
        assert told("SHOW enable_nestloop") == "on", "again, for whatever comes after it"
        assert told("SELECT reltuples FROM pg_class WHERE oid = 'publication_item'::regclass") == items
        assert rows_read("learning_agentfeedback|learning_execution") < 10 * items, "those of the data card too"
        if known != "all":
            # With few items of many known rows the planner may well read the whole table.
            assert rows_read("learning_learningexample|learning_datasetexample") < 40 * items  # 900 by loops
            assert rows_read("learning_splitassignment") < 20 * items
    assert version.total == items


@pytest.mark.parametrize("table", ["learning_learningexample", "learning_datasetexample"])
def test_statistics_of_what_organizations_share_are_renewed_after_little_change(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [table])
        assert cursor.fetchone() == (["autovacuum_analyze_scale_factor=0.01"],)
