"""Second goals beside being right. They are read off the same answers, so they cost no call.

Accuracy decides; the other goals only order variants that are equally accurate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from learning.engines.prompt.output_form import OutputForm

ACCURACY = "accuracy"


def _clarity(output: str, expected: str, form: OutputForm) -> float:
    """1.0 when the answer has the wanted form, right or wrong."""
    return float(form.admits(output))


def _brevity(output: str, expected: str, form: OutputForm) -> float:
    """Wanted words over given words, at most 1.0."""
    given, wanted = len(output.split()), len(expected.split())
    return 0.0 if given == 0 else min(1.0, max(wanted, 1) / given)


SECOND_GOALS: dict[str, Callable[[str, str, OutputForm], float]] = {"clarity": _clarity, "brevity": _brevity}


def check_goals(goals: Sequence[str]) -> tuple[str, ...]:
    """The second goals among the asked ones. Raises ValueError naming an unknown goal."""
    for goal in goals:
        if goal != ACCURACY and goal not in SECOND_GOALS:
            known = ", ".join([ACCURACY, *SECOND_GOALS])
            raise ValueError(f"Unknown optimization goal {goal!r}: choose from {known}.")
    return tuple(goal for goal in goals if goal != ACCURACY) or tuple(SECOND_GOALS)


def second_score(goals: Sequence[str], output: str, expected: str, form: OutputForm) -> float:
    """Mean of the second goals for one answer (0-1)."""
    return sum(SECOND_GOALS[goal](output, expected, form) for goal in goals) / len(goals)
