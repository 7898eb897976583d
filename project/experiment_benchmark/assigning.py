"""How many units a client assigns in a second in one process, beside the GrowthBook SDK where it is installed.

Both answer the same question, by rules that came from a server: which arm of one running experiment with two equal arms
and full traffic does a new user get? What is set up once is not timed. An instance of GrowthBook's SDK holds the
attributes of one user, so that a server makes one for each request. The comparison is with one instance that is given
each user in turn, which is quicker than that and could not be shared by threads; one a user is told beside it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

USERS = 20_000
RULE = {
    "key": "support", "variations": ["control", "treatment"], "weights": [0.5, 0.5], "coverage": 1, "hashVersion": 2,
    "hashAttribute": "id",
}  # fmt: skip
FEATURES = {"support": {"defaultValue": "control", "rules": [RULE]}}
ROUNDS = 5  # the best counts: the machine may have had something else to do in the others


def measure_assignments(users: int = USERS) -> dict[str, float | None]:
    """{"assignments_per_s", "growthbook_per_s", "growthbook_ratio" and, of one instance a user,
    "growthbook_instances_per_s", "growthbook_instances_ratio"}; None without the SDK of GrowthBook."""
    names = [f"user-{number}" for number in range(users)]
    sides: list[Callable[[str], object]] = [_ours()]
    if find_spec("growthbook") is not None:
        sides += [_growthbook(), _growthbook_instances()]
    best = [0.0] * len(sides)
    for _ in range(ROUNDS):  # in turns, so that a busy moment hits both
        for place, assign in enumerate(sides):
            best[place] = max(best[place], _per_second(assign, names))
    ours, shared, single = [*best, None, None][:3]
    return {
        "assignments_per_s": ours,
        "growthbook_per_s": shared,
        "growthbook_ratio": ours / shared if ours and shared else None,
        "growthbook_instances_per_s": single,
        "growthbook_instances_ratio": ours / single if ours and single else None,
    }


def _per_second(assign: Callable[[str], object], names: list[str]) -> float:
    started = time.perf_counter()
    for name in names:
        assign(name)
    return len(names) / (time.perf_counter() - started)


def _ours() -> Callable[[str], object]:
    from agent_learning.assignment import Ruleset

    arms = [
        {"key": key, "buckets": 5000, "config_id": key, "is_control": key == "control"}
        for key in ("control", "treatment")
    ]
    experiment = {
        "id": "x", "status": "running", "unit": "user", "local": True, "salt": secrets.token_hex(16),
        "coverage": 10_000, "layer": None, "start": 0, "size": 10_000, "arms": arms, "testers": {},
    }  # fmt: skip
    agent = {"id": "a", "agent_id": "support", "serving_config_id": "control", "experiments": [experiment]}
    configs = {key: {"number": 1, "content": {}} for key in ("control", "treatment")}
    rules = Ruleset({"agents": [agent | {"deployment": None}], "layers": {}, "configs": configs})
    return lambda name: rules.choose("support", name)


def _growthbook() -> Callable[[str], object]:
    import growthbook

    book: Any = growthbook.GrowthBook(features=FEATURES)

    def assign(name: str) -> object:
        book.set_attributes({"id": name})
        return book.get_feature_value("support", None)

    return assign


def _growthbook_instances() -> Callable[[str], object]:
    import growthbook

    def assign(name: str) -> object:
        return growthbook.GrowthBook(attributes={"id": name}, features=FEATURES).get_feature_value("support", None)

    return assign
