"""What a look at many units costs does not hang on what the planner has heard of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from experiments.models import Experiment, Exposure
from experiments.services import outcome_keeping
from experiments.services.creation import create_experiment, halves
from experiments.services.deployments import deploy_config
from experiments.services.lifecycle import start_experiment
from experiments.services.outcome_columns import layout_of
from experiments.services.outcome_keeping import look, parameters_of, read_in, source_of
from experiments.services.outcome_sql import look_at_units
from organizations.cursors import cursor_without
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.database import owner_connection
from tests.experiments.audience import run_users

Plan = dict[str, Any]
TOLD = "EXPLAIN (FORMAT JSON) "


def met(users: int) -> Experiment:
    """An experiment that so many users have met."""
    agent = factories.make_agent()
    deploy_config(agent=agent, config=factories.make_config(agent))
    agent.refresh_from_db()
    arms = halves(candidate=factories.make_config(agent), control=agent.serving_config)
    experiment = start_experiment(experiment=create_experiment(agent=agent, name="Plans", arms=arms))
    run_users(experiment, users, {"control": 0.5, "treatment": 0.5})
    read_in(experiment=experiment, variants=list(experiment.variants.order_by("position")))
    return experiment


def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """How each look from now on would be done, which is not done."""
    seen: list[Plan] = []

    @contextmanager
    def told(*ways: str) -> Iterator[Any]:
        def execute(statement: str, given: Any) -> None:
            cursor.execute(TOLD + statement, given)
            seen.append(cursor.fetchone()[0][0]["Plan"])

        with cursor_without(*ways) as cursor:
            yield SimpleNamespace(execute=execute, fetchone=lambda: (0,))

    monkeypatch.setattr(outcome_keeping, "cursor_without", told)
    return seen


def parts_of(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from parts_of(part)


@pytest.mark.django_db(transaction=True)
def test_units_of_an_organization_that_the_planner_has_not_heard_of_are_not_compared_pair_by_pair(
    organization: Organization, other_organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with organization_scope(other_organization.pk):
        met(60)
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute("ANALYZE experiments_exposure, experiments_unitoutcome")
    with organization_scope(organization.pk):
        experiment = met(20)
        told = plans(monkeypatch)
        layout = layout_of(experiment.metrics)
        given = parameters_of(experiment, layout, list(experiment.variants.order_by("position")))
        ids = list(Exposure.objects.values_list("pk", flat=True))
        look(look_at_units(layout, source_of(experiment)), given, ids)
    [plan] = told
    inner = {part["Plans"][1].get("CTE Name") for part in parts_of(plan) if part["Node Type"] == "Nested Loop"}
    assert not inner & {"found", "stored", "differing"}, "all of them for each unit"
