"""A long queue: claims and lists are read from a place in an index, whatever waits before it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import AnnotationQueue, Slot
from annotation.services import claim_statement
from annotation.services.claims import claim_next, values_of
from annotation.services.leases import release_item
from annotation.services.seats import take_seat
from annotation.services.waiting import count_for, count_slots, list_slots
from learning.models import Agent
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.planning import learn_statistics

pytestmark = pytest.mark.django_db(transaction=True)
FILTERS: tuple[dict[str, Any], ...] = (
    {}, {"queue": True}, {"agent_id": True}, {"domain": "law"}, {"example_type": "edge_case"},
)  # fmt: skip
EXAMPLES = 20_000
REVIEWED = 5_000  # by the busy expert, at the front of the order, each waiting for its second reviewer
STOCK = """
INSERT INTO learning_learningexample (id, organization_id, created_at, updated_at, agent_id, example_type, source_type,
  input_text, input_context, original_output, expected_output, rejected_output, domain, task_type, tags, review_status,
  cluster_key)
SELECT gen_random_uuid(), %(organization)s, now() - n * interval '1 second' - interval '1 hour', now(),
  CASE WHEN n %% 100 = 0 THEN %(rare)s::uuid ELSE %(agent)s::uuid END,
  CASE WHEN n %% 100 = 2 THEN 'edge_case' ELSE 'correction' END, 'user_feedback', 'Text ' || n,
  '{}', 'neutral', 'positive', '', CASE WHEN n %% 100 = 1 THEN 'law' ELSE 'art' END, '', '{}', 'pending', ''
FROM generate_series(1, %(examples)s) n;
INSERT INTO annotation_slot (id, organization_id, created_at, updated_at, queue_id, example_id, kind, stage, round,
  number, status, priority, tiebreak, waiting_since, opened_at, skipped_by, agent_id, domain, example_type)
SELECT gen_random_uuid(), organization_id, now(), now(), %(queue)s, id, 'review', 'quality_check', 1, 2, 'open', 1, 0,
  created_at, now() - interval '1 hour', '{}', agent_id, domain, example_type
FROM learning_learningexample WHERE organization_id = %(organization)s;
INSERT INTO annotation_expertannotation (id, organization_id, created_at, updated_at, example_id, expert_id, kind,
  stage, round, annotation_type, decision, categories, answers, preferred, corrected_output, notes,
  improvement_suggestions, is_training_data, extra)
SELECT gen_random_uuid(), organization_id, now(), now(), id, %(busy)s, 'review', 'quality_check', 1,
  'quality_assessment', 'approve', '{}', '{}', '', '', '', '{}', true, false
FROM learning_learningexample WHERE organization_id = %(organization)s ORDER BY created_at LIMIT %(reviewed)s
"""


class Desk:
    """An organization with a long queue, and an expert who has reviewed the front of it."""

    def __init__(self) -> None:
        self.organization: Organization = factories.make_organization("Aster")
        self.busy = factories.make_user(self.organization, "expert")
        self.fresh = factories.make_user(self.organization, "expert")
        with organization_scope(self.organization.id):
            agent: Agent = factories.make_agent()
            self.rare = factories.make_agent(external_id="rare")
            self.queue = AnnotationQueue.objects.create(
                name="Long", reviews_per_item=2, filled_to="2100-01-01T00:00Z", looked_at="2100-01-01T00:00Z"
            )
            values = {
                "organization": self.organization.id, "agent": agent.pk, "rare": self.rare.pk, "queue": self.queue.pk,
                "busy": self.busy.pk, "examples": EXAMPLES, "reviewed": REVIEWED,
            }  # fmt: skip
            self.queue.refresh_from_db()
            with connection.cursor() as cursor:
                cursor.execute(STOCK, values)
        learn_statistics(
            "annotation_slot", "learning_learningexample", "annotation_expertannotation", "annotation_annotationqueue",
            "annotation_queueseat", "learning_agent",
        )  # fmt: skip


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def rows_read(plan: dict[str, Any]) -> int:
    """Rows that the scans of a plan looked at, those that they passed over included."""
    loops = plan.get("Actual Loops", 1)
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if "Scan" in plan["Node Type"] else 0
    return int(own * loops) + sum(rows_read(part) for part in plan.get("Plans", []))


def explain(statement: str, parameters: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        found = cursor.fetchone()[0]
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def claim_cost(desk: Desk, person: Any) -> int:
    """Rows that the person's next claim reads; the claim is undone."""
    with organization_scope(desk.organization.id):
        seat = take_seat(queue=desk.queue, expert=person)
        statement = claim_statement.FROM_THE_START if seat.passed_at is None else claim_statement.FROM_THE_PLACE
        plan = explain(statement, values_of(seat, desk.organization.id, "review"))
        connection.set_rollback(True)
    read = rows_read(plan)
    print(json.dumps(plan, indent=1) if read > 50 else read)  # shown when the test fails
    return read


def test_what_a_busy_expert_has_reviewed_is_passed_once_and_not_with_every_claim(desk: Desk) -> None:
    assert claim_cost(desk, desk.fresh) < 50
    assert claim_cost(desk, desk.busy) > REVIEWED  # their first claim looks through it all
    with organization_scope(desk.organization.id):
        slot = claim_next(expert=desk.busy, queue=desk.queue)
        assert slot is not None and slot.lease_token is not None
        release_item(expert=desk.busy, slot_id=slot.pk, lease_token=slot.lease_token)
    assert claim_cost(desk, desk.busy) < 50


def test_what_becomes_free_before_an_experts_place_is_offered_to_them_first(desk: Desk) -> None:
    with organization_scope(desk.organization.id):
        agent = factories.make_agent()
        theirs = claim_next(expert=desk.fresh, queue=desk.queue)  # the very first, which the busy one has reviewed
        mine = claim_next(expert=desk.busy, queue=desk.queue)
        assert theirs is not None and mine is not None and mine.lease_token is not None
        release_item(expert=desk.busy, slot_id=mine.pk, lease_token=mine.lease_token)
        example = factories.make_example(agent)
        first = Slot.objects.create(
            queue=desk.queue, example=example, priority=0, waiting_since=example.created_at, agent=agent
        )
        again = claim_next(expert=desk.busy, queue=desk.queue)
        assert again is not None and again.pk == first.pk


def test_a_claim_writes_no_index(desk: Desk) -> None:
    """Heap-only updates: the claimed row stays in its page and no index of a long table grows."""
    counts = (
        "SELECT pg_stat_get_xact_tuples_updated('annotation_slot'::regclass),"
        " pg_stat_get_xact_tuples_hot_updated('annotation_slot'::regclass)"
    )
    with organization_scope(desk.organization.id):
        assert claim_next(expert=desk.fresh, queue=desk.queue) is not None
        with connection.cursor() as cursor:
            cursor.execute(counts)
            updated, hot = cursor.fetchone()
    assert (updated, hot) == (1, 1)


def test_a_page_deep_in_a_filtered_list_reads_as_many_rows_as_it_shows(desk: Desk) -> None:
    with organization_scope(desk.organization.id):
        for filters in FILTERS:
            a_deep_page_is_read_by_its_place(desk, filters)


def a_deep_page_is_read_by_its_place(desk: Desk, filters: dict[str, Any]) -> None:
    given = filters | ({"queue": desk.queue} if "queue" in filters else {})
    given |= {"agent_id": desk.rare.pk} if "agent_id" in filters else {}
    deep = list_slots(**given, limit=150)[-1].pk
    with CaptureQueriesContext(connection) as asked:
        page = list_slots(**given, after=deep, limit=20)
        count_slots(**given)
    assert len(page) == 20 and len(asked) == 4, filters  # the place, the page's keys, the page, the bounded count
    plan = explain(asked[1]["sql"], None)
    shown = json.dumps(plan)
    assert rows_read(plan) < 200 and "Seq Scan on annotation_slot" not in shown, filters
    assert '"Relation Name": "annotation_slot", "Alias"' in shown or "slot_" in shown, filters
    assert not re.search(r'"Node Type": "(Incremental )?Sort"', shown), filters
    assert "LIMIT 1000" in asked[3]["sql"], filters  # no unbounded COUNT


def test_how_much_is_left_for_a_busy_expert_is_counted_from_their_place(desk: Desk) -> None:
    with organization_scope(desk.organization.id):
        assert claim_next(expert=desk.busy, queue=desk.queue) is not None
        with CaptureQueriesContext(connection) as asked:
            assert count_for(expert=desk.busy, queue=desk.queue) == 1_000
        # At the most a hash of the 5,000 reviews of the expert and the 1,000 slots counted; never the whole queue.
        assert rows_read(explain(asked[-1]["sql"], None)) < EXAMPLES // 2
