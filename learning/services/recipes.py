"""The recipe of a dataset: which examples it selects, and how a version of it is split and weighed."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from learning.models import (
    Agent,
    BalanceBy,
    Duplicates,
    ExampleType,
    GroupBy,
    LearningExample,
    ReviewStatus,
    SourceType,
    TrainingDataset,
)
from learning.services.splits import PARTS
from organizations import audit
from organizations.errors import Conflict, Refused

FILTERS = ("domains", "task_types", "example_types", "source_types", "tags", "least_quality")
MAKING = (
    "train_share", "validation_share", "group_by", "duplicates", "weigh_by_reviewers", "half_life_days", "balance_by",
)  # fmt: skip
CHOICES = {
    "example_types": ExampleType, "source_types": SourceType, "group_by": GroupBy, "duplicates": Duplicates,
    "balance_by": BalanceBy,
}  # fmt: skip
MOST_NAMES = 50  # of one filter
LONGEST = {"domains": 100, "task_types": 100, "tags": 50}  # characters of one name
MOST_SUGGESTED = 200


def create_dataset(*, name: str, agent: Agent | None = None, **values: Any) -> TrainingDataset:
    """A named selection: `agent` (None: all), `description`, and the fields of FILTERS and MAKING.

    Raises Refused naming the field that is wrong, Conflict when the name is taken.
    """
    dataset = TrainingDataset(name=name.strip(), agent=agent, **values)
    _check(dataset)
    _save(dataset)
    audit.record(action="trainingdataset.created", target=dataset, after=_told(dataset))
    return dataset


def change_dataset(*, dataset: TrainingDataset, **values: Any) -> list[str]:
    """Change name, description, agent or recipe; the names of what changed. Published versions stay what they are.

    Raises Refused naming the field that is wrong, Conflict when the name is taken.
    """
    with transaction.atomic():
        current = TrainingDataset.objects.select_for_update(of=("self",)).select_related("agent").get(pk=dataset.pk)
        before = _told(current)
        for name, value in values.items():
            setattr(current, name, value.strip() if name == "name" else value)
        _check(current)
        after = _told(current)
        changed = sorted(name for name in after if after[name] != before[name])
        if changed:
            _save(current)
            told = {name: before[name] for name in changed}, {name: after[name] for name in changed}
            audit.record(action="trainingdataset.changed", target=current, before=told[0], after=told[1])
    dataset.refresh_from_db()
    return changed


def recipe_of(dataset: TrainingDataset) -> dict[str, Any]:
    """The filters and the recipe that a version is made by."""
    agent = dataset.agent.external_id if dataset.agent else None
    return {"agent": agent} | {name: getattr(dataset, name) for name in (*FILTERS, *MAKING)}


def known_names(field: str) -> list[str]:
    """What approved examples have as `domain` or `task_type`, sorted; the first MOST_SUGGESTED."""
    rows = LearningExample.objects.filter(review_status=ReviewStatus.APPROVED).exclude(**{field: ""})
    return list(rows.order_by(field).values_list(field, flat=True).distinct()[:MOST_SUGGESTED])


def _told(dataset: TrainingDataset) -> dict[str, Any]:
    return {"name": dataset.name, "description": dataset.description} | recipe_of(dataset)


def _save(dataset: TrainingDataset) -> None:
    try:
        with transaction.atomic():
            dataset.save()
    except IntegrityError as error:
        raise Conflict(f"There is a dataset called {dataset.name!r} already.", "name") from error


def _check(dataset: TrainingDataset) -> None:
    """Raises Refused naming the field that is wrong."""
    if not dataset.name:
        raise Refused("Give the dataset a name.", "name")
    for field in ("domains", "task_types", "tags"):
        _check_names(field, getattr(dataset, field))
    for field, choices in CHOICES.items():
        chosen = getattr(dataset, field)
        for one in chosen if isinstance(chosen, list) else [chosen]:
            if one not in choices.values:
                known = ", ".join(value for value in choices.values if value)
                raise Refused(f"There is no {one!r}. Known are: {known}.", field)
    if dataset.least_quality is not None and not 0 <= dataset.least_quality <= 1:
        raise Refused("The least quality is a number from 0 to 1.", "least_quality")
    if dataset.half_life_days is not None and not 1 <= dataset.half_life_days <= 36_500:
        raise Refused("The half-life is 1 to 36,500 days.", "half_life_days")
    _check_shares(dataset)


def _check_names(field: str, names: list[str]) -> None:
    if len(names) > MOST_NAMES:
        raise Refused(f"At most {MOST_NAMES} are possible.", field)
    for name in names:
        if not 0 < len(name) <= LONGEST[field]:
            raise Refused(f"A name has 1 to {LONGEST[field]} characters.", field)


def _check_shares(dataset: TrainingDataset) -> None:
    for field in ("train_share", "validation_share"):
        if not 1 <= getattr(dataset, field) <= PARTS - 2:
            raise Refused("Each split needs a share of at least 0.01 %.", field)
    if dataset.train_share + dataset.validation_share >= PARTS:
        raise Refused("Train and validation leave nothing for the test split.", "validation_share")
