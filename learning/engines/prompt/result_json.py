"""A result as a JSON object: what is stored with a run and what its page draws. Shares and scores 0-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from learning.engines.prompt.analysis import Analysis, Issue
from learning.engines.prompt.results import (
    Confirmation,
    Difference,
    GoalChange,
    PromptResult,
    Standing,
    TestScore,
    Usage,
    Variant,
)
from learning.engines.types import JsonObject

MOST_WORSE = 50  # examples that are named; all are counted


def result_json(result: PromptResult) -> JsonObject:
    """Everything that a person may want to see of a run."""
    found = result.confirmation
    return {
        "verdict": result.verdict,
        "improvement_percentage": result.improvement_percentage,
        "improvement": _difference(result.improvement),
        "before": _score(found.before if found else None),
        "after": _score(found.after if found else None),
        "instruction_only": _score(result.instruction_only),
        "best_variant": _variant(result.best_variant),
        "variants": [_standing(standing) for standing in result.variants],
        "issues": _issues(result.issues),
        "recommendations": list(result.recommendations),
        "cost": result.cost.as_json(),
        "analysis": _analysis(result.analysis),
        "trace": list(result.trace),
        "clusters": [asdict(one) for one in found.clusters] if found else [],
        "worse_count": len(found.worse) if found else 0,
        "worse_examples": [asdict(one) for one in found.worse[:MOST_WORSE]] if found else [],
        "tokens": _usage(found, "input_tokens", "output_tokens"),
        "latency": _usage(found, "seconds"),
        "goals": [_goal(one) for one in found.goals] if found else [],
        "tried": _tried(result),
        "judge": result.agreement.as_json() if result.agreement else None,
        "strategies": list(result.strategies),
        "ended": result.ended,
    }


def _tried(result: PromptResult) -> JsonObject:
    """How many were compared, and what the test of the winner was corrected for."""
    found = result.confirmation
    return {
        "variants": len(result.variants),
        "dropped": sum(one.dropped for one in result.variants),
        "compared_on_test": 1 + (found.instruction_only is not None) if found else int(result.opened),
        "opened": result.opened,
        "earlier_readings": result.earlier_readings,
        "correction": _correction(result, found) if found else _unconfirmed(result),
    }


def _correction(result: PromptResult, found: Confirmation) -> str:
    """Why the claim holds, for a person who knows no statistics."""
    said = ["for the other variants none is needed: one was tested on the test split, the others never touched it"]
    if found.instruction_only:
        said.append("the plain instruction was asked about the same examples to be shown, and nothing is claimed of it")
    if before := result.earlier_readings:
        times = "once" if before == 1 else f"{before} times"
        level = f"{100 * found.improvement.confidence:.2f}".rstrip("0").rstrip(".")
        said.append(
            f"test examples of this split were read {times} before, in this version of the dataset or in another that "
            f"shares some, so the gain had to be sure at {level} %"
        )
    else:
        said.append("nobody had read any of its test examples before")
    if found.goals:
        said.append("other goals were tested after the score, with Holm's correction")
    return "; ".join(said)


def _unconfirmed(result: PromptResult) -> str:
    if result.opened:
        return "nothing is claimed: the test split was opened, but both prompts answered too few independent examples"
    return "none needed: the test split stays sealed"


def _analysis(value: Analysis) -> JsonObject:
    return {
        "answered": value.answered,
        "wrong": value.wrong,
        "form": value.form.description,
        "issues": _issues(value.issues),
        "reported": _issues(value.reported),
        "clusters": [
            {"words": one.words, "n": one.n, "failing": one.failing, "keys": list(one.example_keys)}
            for one in value.clusters
        ],
        "corrections": [asdict(one) for one in value.habits],
        "lacking": list(value.lacking),
    }


def _issues(issues: Sequence[Issue]) -> list[JsonObject]:
    return [
        {"kind": one.kind, "count": one.count, "share": one.share, "keys": list(one.example_keys)} for one in issues
    ]


def _usage(found: Confirmation | None, *names: str) -> JsonObject | None:
    """The means of one answer before and after; None where nothing was confirmed or measured."""
    if found is None or found.usage_before == Usage() or found.usage_after == Usage():
        return None
    return {
        "before": {name: getattr(found.usage_before, name) for name in names},
        "after": {name: getattr(found.usage_after, name) for name in names},
    }


def _goal(value: GoalChange) -> JsonObject:
    return {
        "goal": value.goal,
        "change": _difference(value.change),
        "adjusted_p": value.adjusted_p,
        "claimed": value.claimed,
    }


def _difference(value: Difference | None) -> JsonObject | None:
    return None if value is None else asdict(value)


def _score(value: TestScore | None) -> JsonObject | None:
    return None if value is None else {"mean": value.mean, "low": value.low, "high": value.high, "n": value.n}


def _variant(value: Variant) -> JsonObject:
    prompt = value.prompt
    return {
        "name": value.name,
        "kind": value.kind.value,
        "parent": value.parent,
        "system_prompt": prompt.system_prompt,
        "examples": len(prompt.examples),
        "nearest_examples": prompt.nearest,
    }


def _standing(value: Standing) -> JsonObject:
    return {
        **_variant(value.variant),
        "n": value.n,
        "mean": value.mean,
        "second_mean": value.second_mean,
        "believed": value.believed,
        "calls": value.calls,
        "dropped": value.dropped,
    }
