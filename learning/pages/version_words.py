"""A version's card and its changes in words and numbers for a page."""

from __future__ import annotations

from typing import Any, NamedTuple

from learning.models import ExampleType, SourceType
from learning.services.publication import LEFT_OUT

COUNTED = {"example_type": "Types", "source_type": "Sources", "agent": "Agents", "domain": "Domains"}
LABELS = {"example_type": dict(ExampleType.choices), "source_type": dict(SourceType.choices)}
FIELDS = {"input": "Inputs", "answer": "Answers"}
RECIPE = {
    "agent": "Agent", "domains": "Domains", "task_types": "Task types", "example_types": "Types",
    "source_types": "Sources", "tags": "Tags", "least_quality": "Least quality", "train_share": "Train",
    "validation_share": "Validation", "group_by": "Never split", "duplicates": "Near-duplicates",
    "weigh_by_reviewers": "Weighed by reviewers", "half_life_days": "Half-life, days", "balance_by": "Balanced by",
}  # fmt: skip


class Histogram(NamedTuple):
    """How many texts have at most as many characters as each label says."""

    title: str
    labels: list[str]
    values: list[int]
    longest: int


def counts_of(card: dict[str, Any]) -> list[tuple[str, list[tuple[str, int]]]]:
    """What was counted, with names and numbers, the most frequent first."""
    counts = card.get("counts", {})
    return [
        (title, [(LABELS.get(key, {}).get(name) or name or "(none)", number) for name, number in counts[key].items()])
        for key, title in COUNTED.items()
        if isinstance(counts.get(key), dict)
    ]


def left_out_of(card: dict[str, Any]) -> list[tuple[str, int]]:
    """Reasons in words, with numbers."""
    return [(LEFT_OUT.get(reason, reason), number) for reason, number in card.get("left_out", {}).items()]


def histograms(card: dict[str, Any]) -> list[Histogram]:
    """The lengths of inputs and answers; older cards have none."""
    found = []
    for field, title in FIELDS.items():
        lengths = card.get("lengths", {}).get(field)
        if lengths:
            labels = [f"{most:,}" for most, _ in lengths["at_most"]]
            found.append(Histogram(title, labels, [number for _, number in lengths["at_most"]], lengths["longest"]))
    return found


def describe_change(name: str, before: Any, now: Any) -> tuple[str, str, str]:
    """A field of the recipe, what it was and what it is."""
    return RECIPE.get(name, name), _said(name, before), _said(name, now)


def _said(name: str, value: Any) -> str:
    if name.endswith("_share") and isinstance(value, int):
        return f"{value / 100:g} %"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    return "-" if value is None or value == "" else str(value)
