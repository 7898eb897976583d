"""What a run of the behavior learner reads: the demonstrations and corrections behind a dataset version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.db.models import QuerySet

from learning.engines.behavior.corrections import Correction
from learning.engines.behavior.episodes import Episode, Step
from learning.models import (
    TEST_SPLIT_READ,
    ActionCorrection,
    Agent,
    DatasetExample,
    DatasetVersion,
    Demonstration,
    DemonstrationStep,
    GateReport,
    Split,
    TrainingRun,
)
from learning.services.action_corrections import as_correction
from learning.services.datasets import record_reading
from learning.services.demonstrations import redacted_steps, step_of
from organizations import audit


def count_demonstrations(version: DatasetVersion) -> tuple[int, int]:
    """Demonstrations with steps to learn from, and to confirm on."""
    return len(_rows(_open_items(version))), len(_rows(_test_items(version)))


def read_episodes(version: DatasetVersion) -> list[Episode]:
    """The demonstrations outside the test split, without those whose case lies in the test split too.

    Two tries of one task may be worded so differently that they are in two splits.
    """
    held_out = {_case(row) for row in _rows(_test_items(version))}
    return [one for one in _episodes(_open_items(version)) if one.case not in held_out]


def read_corrections(version: DatasetVersion, agent: Agent) -> list[Correction]:
    """The approved corrections that the version holds, outside its test split."""
    items = dict(_open_items(version).values_list("example_id", "cluster_key"))
    rows = ActionCorrection.objects.filter(agent=agent, example_id__in=list(items)).order_by("id")
    found = [as_correction(row, items[row.example_id] or str(row.example_id)) for row in rows]
    held_out = {_case(row) for row in _rows(_test_items(version))}
    return [one for one in found if one.case not in held_out]


def read_test_episodes(*, version: DatasetVersion, run: TrainingRun) -> list[Episode]:
    """The demonstrations of the sealed test split. Each reading is in the audit."""
    record_reading(version=version, run=run)
    return _episodes(_test_items(version))


def read_gate_episodes(*, version: DatasetVersion, report: GateReport) -> list[Episode]:
    """The demonstrations of the test split for a gate, each by the key of its example. Each reading is in the audit."""
    run = report.training_run_id
    told = {"gate": str(report.pk), "attempt": report.attempt, "examples": version.test_count}
    audit.record(action=TEST_SPLIT_READ, target=version, after=told | ({"training_run": str(run)} if run else {}))
    examples = {str(row.pk): str(row.example_id) for row in _rows(_test_items(version))}
    return [replace(one, key=examples[one.key]) for one in _episodes(_test_items(version))]


def stepwise_examples(version: DatasetVersion) -> set[str]:
    """The examples of the version whose right answer is a list of steps or an action, and no text to compare with."""
    items = version.items.values("example_id")
    rows = [model.objects.filter(example_id__in=items) for model in (Demonstration, ActionCorrection)]
    return {str(key) for found in rows for key in found.values_list("example_id", flat=True)}


def _open_items(version: DatasetVersion) -> QuerySet[DatasetExample]:
    return version.items.exclude(split=Split.TEST)


def _test_items(version: DatasetVersion) -> QuerySet[DatasetExample]:
    return version.items.filter(split=Split.TEST)


def _rows(items: QuerySet[DatasetExample]) -> list[Demonstration]:
    rows = Demonstration.objects.filter(example_id__in=list(items.values_list("example_id", flat=True)))
    return list(rows.select_related("example").order_by("id"))


def _episodes(items: QuerySet[DatasetExample]) -> list[Episode]:
    """Redacted again by the rules in force: they may know more than when the steps were stored."""
    rows = _rows(items)
    steps = _steps([row.pk for row in rows])
    return [
        Episode(str(row.pk), tuple(redacted_steps(steps[row.pk])), row.reward, _case(row))
        for row in rows
        if steps[row.pk]
    ]


def _steps(demonstration_ids: Collection[UUID]) -> defaultdict[UUID, list[Step]]:
    found: defaultdict[UUID, list[Step]] = defaultdict(list)
    rows = DemonstrationStep.objects.filter(demonstration_id__in=list(demonstration_ids))
    for row in rows.order_by("demonstration_id", "position"):
        found[row.demonstration_id].append(step_of(row))
    return found


def _case(row: Demonstration) -> str:
    """What it has in common with other tries: what somebody said, else what its request resembles."""
    return row.case or row.example.cluster_key or str(row.pk)
