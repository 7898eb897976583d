"""Which metrics an experiment compares, as they were chosen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.metrics import CATALOGUE, Definition, definition_for
from experiments.models import CustomMetric, Unit
from experiments.services.past_outcomes import past_outcomes
from experiments.stats.terms import Role
from learning.models import Agent
from organizations.errors import Refused


def clean_metrics(
    items: Sequence[Mapping[str, Any]], *, agent: Agent, unit: str | None = None, minimum_hours: float = 0
) -> list[dict[str, Any]]:
    """The metrics as stored. Raises Refused for an unknown, doubled or impossible one, or when none is for success.

    A metric of the application is copied with its definition, so that nothing that is changed later changes a verdict.
    A limit that is to be found in the past (`winsorise_share`) is found now, and stored like one that was given: among
    units that were watched as long as the experiment will watch them, which `minimum_hours` is where the metric has no
    window of its own.
    """
    own = {metric.name: metric for metric in CustomMetric.objects.filter(name__in=[item.get("name") for item in items])}
    cleaned = [_clean_metric(item, index, own) for index, item in enumerate(items)]
    names = [item["name"] for item in cleaned]
    if len(set(names)) < len(names):
        raise Refused("Each metric can be named once.", "metrics")
    if Role.SUCCESS.value not in {item["role"] for item in cleaned}:
        raise Refused("An experiment needs at least one success metric.", "metrics")
    for index, (item, given) in enumerate(zip(cleaned, items, strict=True)):
        if given.get("winsorise_share"):
            hours = definition_for(item).maturity_hours or minimum_hours
            item["winsorise"] = [None, _limit_of_the_past(agent, Unit(unit or Unit.USER), item, given, index, hours)]
    return cleaned


def _clean_metric(item: Mapping[str, Any], index: int, own: Mapping[str, CustomMetric]) -> dict[str, Any]:
    name, role = str(item.get("name")), item.get("role", Role.SUCCESS.value)
    if name not in CATALOGUE and name not in own:
        known = ", ".join([*CATALOGUE, *CustomMetric.objects.order_by("name").values_list("name", flat=True)[:50]])
        raise Refused(f"There is no metric {name!r}. Choose from {known}.", f"metrics.{index}.name")
    if role not in set(Role):
        raise Refused(f"A metric's role is success or guardrail, not {role!r}.", f"metrics.{index}.role")
    cleaned: dict[str, Any] = {"name": name, "role": str(role), "margin": float(item.get("margin") or 0)}
    if cleaned["margin"] < 0:
        raise Refused("A margin says how much worse is still accepted; it cannot be negative.", f"metrics.{index}")
    if name in own and name not in CATALOGUE:
        cleaned["definition"] = own[name].definition()
    if item.get("maturity_hours"):
        cleaned["maturity_hours"] = float(item["maturity_hours"])
    if item.get("winsorise"):
        cleaned["winsorise"] = _limits(item, index)
    if item.get("exact"):
        cleaned["exact"] = _exact(definition_for(cleaned), index)
    return cleaned


def _limits(item: Mapping[str, Any], index: int) -> list[float | None]:
    low, high = item["winsorise"]
    if low is not None and high is not None and low >= high:
        raise Refused("The lower limit lies below the upper one.", f"metrics.{index}.winsorise")
    if item.get("winsorise_share"):
        raise Refused("Give either winsorise or winsorise_share, not both.", f"metrics.{index}.winsorise_share")
    return [low, high]


def _exact(definition: Definition, index: int) -> bool:
    if not definition.rate:
        raise Refused(f"Exact bounds exist for rates alone, and {definition.label} is none.", f"metrics.{index}.exact")
    return True


def _limit_of_the_past(
    agent: Agent, unit: Unit, item: Mapping[str, Any], given: Mapping[str, Any], index: int, hours: float
) -> float:
    from experiments.stats.winsor import upper_limit  # numpy: see docs/decisions/0011

    field = f"metrics.{index}.winsorise_share"
    try:
        past = past_outcomes(agent=agent, unit=unit, name=item["name"], definition=definition_for(item), hours=hours)
        return upper_limit(past, share=float(given["winsorise_share"]))
    except ValueError as error:
        raise Refused(f"No limit can be found for {item['name']}: {error}. Give winsorise instead.", field) from error
