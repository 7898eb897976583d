"""Next-action agreement on held-out tasks of real agent runs, and the patterns that tell their successes from failures.

tau-bench airline: 50 tasks, each tried four times by the same agent. Folds hold whole tasks, so that no policy has seen
another try of a task that it is asked about. Nothing is chosen by these figures: every constant of the engine is fixed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning.engines.behavior.agreement import Fit, HeldOut, agreement, cross_predict, gain
from learning.engines.behavior.chats import episode_of_chat
from learning.engines.behavior.cloning import clone
from learning.engines.behavior.episodes import Episode, choices_of, successes
from learning.engines.behavior.patterns import Mined, mine
from learning.engines.behavior.policies import FrequentPolicy, PatternPolicy
from learning.engines.behavior.preconditions import find_preconditions
from learning.engines.behavior.retrieval import DemonstrationStore

RUNS = Path("tau-bench-airline") / "gpt-4o-airline.json"
FOLDS = 10
PARTS = ("patterns", "retrieved", "cloned")
FITS: dict[str, Fit] = {
    "none": lambda episodes: FrequentPolicy.fit(choices_of(episodes)),
    "patterns": lambda episodes: PatternPolicy.fit(choices_of(episodes)),
    "retrieved": lambda episodes: DemonstrationStore(choices_of(episodes)),
    "cloned": lambda episodes: clone(choices_of(episodes)),
}


@dataclass(frozen=True)
class BehaviorReport:
    """`rows`: a table, its header first. `figures`: the keys of the JSON object. `notes`: lines below the table."""

    rows: Sequence[tuple[str, ...]]
    figures: dict[str, Any]
    notes: Sequence[str]


def read_episodes(data: Path) -> list[Episode]:
    """The logged runs; tries of one task share its group."""
    runs = json.loads((data / RUNS).read_text(encoding="utf-8"))
    return [
        episode_of_chat(
            run["traj"], key=f"{run['task_id']}-{run['trial']}", reward=run["reward"], group=str(run["task_id"])
        )
        for run in runs
    ]


def measure_behavior(data: Path, *, quick: bool = False, seed: int = 1) -> BehaviorReport:
    """Everything that is said about behavior. `quick`: fewer folds, so that each policy learns from less."""
    episodes = read_episodes(data)
    folds = 3 if quick else FOLDS
    every = cross_predict(FITS, episodes, folds=folds, seed=seed)
    # What a policy update learns from and is judged by: work that ended well.
    good = cross_predict(FITS, successes(episodes), folds=folds, seed=seed)
    mined = mine(episodes)
    figures = {
        "action_agreement": _figures(every),
        "action_agreement_of_successes": _figures(good),
        "action_folds": folds,
        "patterns_tested": mined.tested,
        "patterns": [pattern.as_json() | {"examples": []} for pattern in mined.separating()],
        "preconditions": [one.condition.words for one in find_preconditions(episodes)],
    }
    return BehaviorReport(_rows(figures), figures, _notes(mined, figures))


def _figures(held_out: HeldOut) -> dict[str, Any]:
    """By policy: agreement with its interval, and the gain over the most frequent action."""
    parts = {"none": ("none",), **{name: (name,) for name in PARTS}, "all": PARTS}
    none = held_out.hits("none")
    found = {}
    for name, names in parts.items():
        hits = held_out.hits(*names)
        found[name] = agreement(hits).as_json() | {"gain": gain(hits, none).as_json()}
    return found


def _rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("next action agreed with, on held-out tasks", "all runs", "gain", "successes", "gain")
    ]
    every, good = figures["action_agreement"], figures["action_agreement_of_successes"]
    for name in every:
        rows.append((name, *_cells(every[name], name), *_cells(good[name], name)))
    return rows


def _cells(found: dict[str, Any], name: str) -> tuple[str, str]:
    share = f"{found['value']:.1%} [{found['low']:.1%}, {found['high']:.1%}]"
    one = found["gain"]
    return (
        share,
        "" if name == "none" else f"{100 * one['value']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]",
    )


def _notes(mined: Mined, figures: dict[str, Any]) -> list[str]:
    found = mined.separating()
    lines = [f"{len(found)} of {mined.tested} patterns tell success from failure (Benjamini-Yekutieli, 5 %):"]
    for one in found:
        table = one.table
        within = "" if one.within is None else f", within tasks p = {one.within:.2g}"
        lines.append(
            f"  {one.trait.words}: {table.with_success} of {table.support} ended well, without "
            f"{table.without_success} of {table.n - table.support} (corrected p = {one.adjusted:.2g}{within})"
        )
    return [*lines, "Preconditions found:", *(f"  {one}" for one in figures["preconditions"])]
