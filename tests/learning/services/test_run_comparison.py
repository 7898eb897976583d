"""Runs side by side: where they differ, and whether their gains may stand beside each other."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from learning.models import Agent, DatasetVersion, TrainingRun
from learning.services import training
from learning.services.run_comparison import compare_runs
from organizations.errors import Missing, Refused
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import outside_scope


def start(agent: Agent, **values: Any) -> TrainingRun:
    return training.start_training_run(agent=agent, **values)


def test_only_what_differs_is_told_in_the_order_of_the_runs(agent: Agent, version: DatasetVersion) -> None:
    runs = [start(agent, config={"max_tokens": 9_000}), start(agent, seed=3), start(agent)]
    compared = compare_runs(run_ids=[run.pk for run in runs])
    told = {row.setting: row.values for row in compared.differences}
    assert told == {"config.max_tokens": (9_000, None, None), "seed": (1, 3, 1)}
    assert compared.runs == tuple(runs)


def test_equal_runs_differ_in_nothing(agent: Agent, version: DatasetVersion) -> None:
    assert compare_runs(run_ids=[start(agent).pk, start(agent).pk]).differences == ()


def test_gains_on_different_test_examples_are_not_one_kind_of_figure(agent: Agent, version: DatasetVersion) -> None:
    one = start(agent)
    other = start(agent, dataset_version=factories.make_published_version(agent))
    compared = compare_runs(run_ids=[one.pk, other.pk])
    assert not compared.same_split
    assert [row.setting for row in compared.differences] == ["dataset"]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_two_to_six_runs_are_compared(scope: Organization, count: int) -> None:
    with pytest.raises(Refused, match="2 to 6"):
        compare_runs(run_ids=[uuid4() for _ in range(count)])


def test_a_run_of_another_organization_is_missing(
    agent: Agent, version: DatasetVersion, other_organization: Organization
) -> None:
    runs = [start(agent), start(agent)]
    with outside_scope(), organization_scope(other_organization.pk), pytest.raises(Missing):
        compare_runs(run_ids=[run.pk for run in runs])


def test_a_comparison_costs_one_query(agent: Agent, version: DatasetVersion, django_assert_num_queries: Any) -> None:
    keys = [start(agent).pk for _ in range(6)]
    for wanted in (keys[:2], keys):
        with django_assert_num_queries(1):
            compare_runs(run_ids=wanted)


def told(*runs: TrainingRun) -> str:
    return " ".join(compare_runs(run_ids=[run.pk for run in runs]).reasons)


def test_runs_that_differ_in_seed_and_limits_can_be_compared(agent: Agent, version: DatasetVersion) -> None:
    compared = compare_runs(run_ids=[start(agent).pk, start(agent, seed=3, config={"max_tokens": 9_000}).pk])
    assert (compared.comparable, compared.reasons, compared.notes) == (True, (), ())


def test_another_version_metric_or_start_makes_a_gain_another_figure(agent: Agent, version: DatasetVersion) -> None:
    run = start(agent)
    config = factories.make_config(agent)
    assert "scored in different ways" in told(run, start(agent, config={"metric": "normalised"}))
    assert "different configs" in told(run, start(agent, base_config=config))
    other = start(agent, dataset_version=factories.make_published_version(agent), base_config=config)
    assert "different dataset versions" in told(run, other) and "different configs" in told(run, other)
    assert not compare_runs(run_ids=[run.pk, other.pk]).comparable


def test_a_metric_that_was_told_something_else_is_another_one(agent: Agent, version: DatasetVersion) -> None:
    def scored(schema: dict[str, Any]) -> TrainingRun:
        return start(agent, config={"metric": "json_schema", "metric_options": {"schema": schema}})

    run = scored({"type": "object"})
    assert told(run, scored({"type": "object"})) == ""
    assert "with other options" in told(run, scored({"type": "array"}))


def test_an_option_that_is_told_as_it_is_by_default_is_no_difference(agent: Agent, version: DatasetVersion) -> None:
    runs = [start(agent), start(agent)]
    for run, options in zip(runs, ({}, {"model": ""}), strict=True):
        run.config = {**run.config, "metric": "judge", "metric_options": options}
        run.save()
    assert told(*runs) == ""


def test_different_numbers_of_calls_are_a_thing_to_keep_in_mind(agent: Agent, version: DatasetVersion) -> None:
    runs = [start(agent, config={"max_calls": calls}) for calls in (200, 300)]
    compared = compare_runs(run_ids=[run.pk for run in runs])
    assert compared.comparable
    assert "different examples of the test split" in compared.notes[0]


def test_settings_of_another_shape_are_compared_as_far_as_they_go(agent: Agent, version: DatasetVersion) -> None:
    runs = [start(agent), start(agent)]
    runs[1].config = {"metric": ["x"], "metric_options": 3}
    runs[1].save()
    assert "scored in different ways" in told(*runs)
