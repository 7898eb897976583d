"""The data card of a version: what a person should know before trusting it, computed once from what was published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from learning.models import DatasetVersion
from learning.services import card_sql as sql
from organizations.scope import current_organization_id

SAMPLED = 2_000  # items whose inputs are compared with each other
MOST_NAMES = 50  # agents or domains that are listed; the others are summed up
Section = Callable[[DatasetVersion], dict[str, Any]]
# What apps above know about the items, by the name of the section; see `add_section`.
_SECTIONS: dict[str, Section] = {}


def add_section(name: str, describe: Section) -> None:
    """Have `describe(version)` asked for a part of every new card. For apps that learning knows nothing about."""
    _SECTIONS[name] = describe


def write_card(*, version: DatasetVersion, left_out: dict[str, int]) -> None:
    """Compute and keep the card of a new version, in the transaction that publishes it.

    left_out: how many eligible examples are not in it, by the reasons of publication.LEFT_OUT.
    """
    version.card = {"left_out": left_out} | describe_items(version, bridges=left_out.get("bridge", 0))
    version.save(update_fields=["card", "updated_at"])


def describe_items(version: DatasetVersion, *, bridges: int = 0) -> dict[str, Any]:
    """What the stored items of a version say about themselves, as JSON."""
    figures = dict(zip(*_first_row(sql.FIGURES, version), strict=True))
    return {
        "counts": _counts(version),
        "quality": {"scored": figures["scored"], "average": figures["quality"]},
        "agreement": {
            "weighed": figures["weighed"], "average": figures["consensus"], "least": figures["least_consensus"],
        },
        "lengths": _lengths(version),
        "redaction": {
            "redacted": figures["redacted"],
            "kinds": {kind: int(number) for kind, number in _rows(sql.REDACTED, version)},
            "rules": [figures["oldest_rules"], figures["newest_rules"]],
        },
        "consent": {
            name: figures[f"consent_{name}"] for name in ("given", "refused", "not_needed")
        },
        "weights": {
            "least": figures["least_weight"], "median": figures["median_weight"], "largest": figures["largest_weight"],
            "effective": round(figures["effective"], 1), "set_by_people": figures["set_by_people"],
        },
        "leaks": _leaks(version) | {"bridges_left_out": bridges},
    } | {name: describe(version) for name, describe in sorted(_SECTIONS.items())}  # fmt: skip


def _counts(version: DatasetVersion) -> dict[str, dict[str, int]]:
    """By what is counted and name, the most frequent first."""
    found: dict[str, dict[str, int]] = {}
    for counted, name, number in _rows(sql.COUNTS, version):
        names = found.setdefault(counted, {})
        listed = name if len(names) < MOST_NAMES else "(others)"
        names[listed] = names.get(listed, 0) + number
    return found


def _lengths(version: DatasetVersion) -> dict[str, dict[str, Any]]:
    """Characters of the inputs and the answers: how many have at most as many as named, and the longest."""
    found: dict[str, dict[str, Any]] = {}
    for field, power, number, longest in _rows(sql.LENGTHS, version):
        lengths = found.setdefault(field, {"at_most": [], "longest": 0})
        lengths["at_most"].append([2 ** (power + 1) - 1 if power >= 0 else 0, number])
        lengths["longest"] = max(lengths["longest"], longest)
    return found


def _leaks(version: DatasetVersion) -> dict[str, Any]:
    """The groups that hold the splits apart, and a check of the stored texts that does not rely on them."""
    clusters, largest_cluster = _rows(sql.GROUPS.format(key="cluster_key"), version)[0]
    groups, largest_group = _rows(sql.GROUPS.format(key="group_key"), version)[0]
    sample = _rows(sql.SAMPLE, version)
    return {
        "clusters": clusters,
        "largest_cluster": largest_cluster,
        "near_duplicates": version.total - clusters,
        "groups": groups,
        "largest_group": largest_group,
        "exact_across_splits": _rows(sql.EXACT_ACROSS_SPLITS, version)[0][0],
        "sampled": len(sample),
        "near_across_splits": _near_across_splits(sample),
    }


def _near_across_splits(sample: list[tuple[str, str]]) -> int:
    from learning.engines.duplicates import find_near_duplicates  # numpy: see docs/decisions/0011

    pairs = find_near_duplicates([text for text, _ in sample])
    return sum(sample[one][1] != sample[other][1] for one, other in pairs)


def _rows(statement: str, version: DatasetVersion) -> list[Any]:
    return _ask(statement, version)[1]


def _first_row(statement: str, version: DatasetVersion) -> tuple[list[str], Any]:
    names, rows = _ask(statement, version)
    return names, rows[0]


def _ask(statement: str, version: DatasetVersion) -> tuple[list[str], list[Any]]:
    parameters: dict[str, Any] = {"organization": current_organization_id(), "version": version.pk, "most": SAMPLED}
    with connection.cursor() as cursor:
        cursor.execute(statement.format(items=sql.ITEMS), parameters)
        return [column.name for column in cursor.description], cursor.fetchall()
