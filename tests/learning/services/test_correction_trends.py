"""Corrections over time: by kind, of all configs or of one, against the executions of the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from learning.engines.behavior.episodes import Action
from learning.engines.behavior.trends import find_changes
from learning.models import ActionCorrection, Agent, AgentConfig, Execution
from learning.services.action_corrections import incorporate_correction
from learning.services.correction_trends import corrected_configs, correction_trends
from organizations.errors import Refused
from organizations.models import Organization
from tests import factories
from tests.learning.engines.behavior.worlds import state

NOW = datetime.now(UTC)


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def correct(agent: Agent, name: str, config: AgentConfig | None = None, days: int = 0) -> None:
    made = incorporate_correction(
        agent=agent, original_action=Action("a"), corrected_action=Action(name), context=state("hi"), config=config
    )
    ActionCorrection.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=days))


def run(agent: Agent, config: AgentConfig | None, count: int, days: int = 0) -> None:
    at = NOW - timedelta(days=days)
    Execution.objects.bulk_create(Execution(agent=agent, config=config, started_at=at) for _ in range(count))


def test_each_kind_is_counted_against_all_executions_of_the_same_weeks(agent: Agent) -> None:
    correct(agent, "b", days=8)
    correct(agent, "b")
    correct(agent, "respond")
    run(agent, None, 4, days=15)
    found = correction_trends(agent=agent)
    assert {kind: trend.counts for kind, trend in found.kinds.items()} == {
        "should_have_asked": (0, 0, 1),
        "wrong_action": (0, 1, 1),
    }
    assert found.overall is not None and found.overall.counts == (0, 1, 2)
    assert found.overall.exposure[0] == 4 and found.overall.per_execution
    assert found.of("wrong_action") is found.kinds["wrong_action"] and found.of("x") is found.overall


def test_of_a_config_its_own_corrections_and_executions_count(agent: Agent) -> None:
    one, other = factories.make_config(agent), factories.make_config(agent)
    for config, corrections, executions in ((one, 2, 10), (other, 1, 30), (None, 3, 5)):
        for _ in range(corrections):
            correct(agent, "b", config)
        run(agent, config, executions)
    (trend,) = correction_trends(agent=agent, config=one).kinds.values()
    assert (trend.counts, trend.exposure) == ((2,), (10.0,))
    told = [(row.config.pk, row.corrections, row.executions, row.rate) for row in corrected_configs(agent=agent)]
    assert told == [(other.pk, 1, 30, 1 / 30), (one.pk, 2, 10, 0.2)]


def test_without_an_execution_there_is_no_rate(agent: Agent) -> None:
    config = factories.make_config(agent)
    correct(agent, "b", config)
    assert corrected_configs(agent=agent)[0].rate is None
    overall = correction_trends(agent=agent).overall
    assert overall is not None and not overall.per_execution


def test_what_lies_ahead_or_more_than_a_year_back_does_not_count(agent: Agent) -> None:
    correct(agent, "b", days=400)
    assert correction_trends(agent=agent).overall is None
    correct(agent, "b")
    run(agent, None, 3, days=-30)
    overall = correction_trends(agent=agent).overall
    assert overall is not None and (overall.counts, overall.exposure) == ((1,), (1.0,))


def test_the_config_of_another_agent_is_refused(agent: Agent) -> None:
    stranger = factories.make_config(factories.make_agent())
    with pytest.raises(Refused, match="belongs to another agent"):
        correction_trends(agent=agent, config=stranger)


def test_all_trends_of_a_page_share_one_level(agent: Agent) -> None:
    """What one of two rows shows once in thirty pages by chance is no change."""
    for week in range(8):
        run(agent, None, 20, days=7 * week)
        for _ in range(4 if week < 4 else 1):
            correct(agent, "b", days=7 * week)
    overall = correction_trends(agent=agent).overall
    assert overall is not None and overall.changes == ()
    (change,) = find_changes(overall.counts, overall.exposure)
    assert 0.025 < change.p_value <= 0.05
