"""What beat does for the intake."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from learning.intake_tasks import keep_partitions
from learning.models import AgentFeedback, Execution
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.database import empty_tables, owner_connection


def months() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'learning_execution'::regclass"
            " ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall() if not row[0].endswith("default")]


def partition_of(execution: Execution) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM learning_execution WHERE id = %s", [execution.pk])
        return str(cursor.fetchone()[0])


def drop(partition: str) -> None:
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute(f"ALTER TABLE learning_execution DETACH PARTITION {partition}")
        owner.execute(f"DROP TABLE {partition}")


def test_missing_partitions_are_made_ahead_and_existing_ones_are_left(transactional_db: None) -> None:
    before = months()
    assert len(before) >= 4
    drop(before[-1])
    assert keep_partitions() == 1
    assert months() == before
    assert keep_partitions() == 0


def test_a_month_whose_first_executions_came_before_its_partition_gets_one_for_the_rest(
    transactional_db: None, organization: Organization
) -> None:
    before = months()
    drop(before[0])  # this month's, as when beat was away for long
    with organization_scope(organization.id):
        agent = factories.make_agent()
        early = Execution.objects.create(agent=agent, external_id="early", started_at=timezone.now())
        AgentFeedback.objects.create(agent=agent, execution=early, feedback_type="thumbs_up")  # so it cannot be moved
        assert partition_of(early) == "learning_execution_default"
    assert keep_partitions() == 1
    assert months() == before
    with organization_scope(organization.id):
        late = Execution.objects.create(agent=agent, external_id="late", started_at=timezone.now())
        assert partition_of(late) == before[0]
        assert set(Execution.objects.values_list("pk", flat=True)) == {early.pk, late.pk}
        assert AgentFeedback.objects.get().execution == early
    assert keep_partitions() == 0
    # The next tests find the months as they were, and an empty default partition.
    drop(before[0])
    empty_tables()
    assert keep_partitions() == 1
