"""What a play of the demo came to: for the table, for JSON, and for the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from learning.engines.prompt.results import Difference
from project.benchmarks import table
from project.demo.measurement import Score
from project.demo.trial import Outcome

HONESTY = (
    "Only who presses the buttons is simulated. The texts, the right answers, the model, its answers and all"
    " measurements are real."
)


@dataclass(frozen=True)
class TaskResult:
    """One agent before and after learning, on inputs that were used for nothing else.

    `plain` is the better of two prompts without examples: one written by hand, one found by the training run.
    `candidate_id` is empty when the run found no measurable improvement; then nothing changed. `outcome` is the
    experiment's, None where none was held.
    """

    agent: str
    title: str
    before: Score
    after: Score
    plain: Score
    gain: Difference
    candidate_id: str
    outcome: Outcome | None

    @property
    def verdict(self) -> str:
        """The experiment's, or why there was none."""
        if self.outcome is not None:
            return self.outcome.verdict
        return "no experiment" if self.candidate_id else "no candidate"

    @property
    def lineage_path(self) -> str:
        return f"/admin/learning/lineage/{self.candidate_id}/" if self.candidate_id else ""

    def after_words(self) -> str:
        """What the answers after came from."""
        if not self.candidate_id:
            return "the same, since no improvement could be shown"
        if self.outcome is None:
            return "what was learned"
        return "what was learned and serves now" if self.outcome.deployed else "what was learned; it was not deployed"

    def sentence(self) -> str:
        return (
            f"{self.title}: {self.before.accuracy:.0%} of the answers right before, {self.after.accuracy:.0%} after"
            f" (gain {_points(self.gain.mean)}, between {_points(self.gain.low)} and {_points(self.gain.high)},"
            f" on {self.gain.n} untouched texts)."
        )

    def form_and_content(self) -> str:
        """How much of the gain is the form of the answer: a sentence that holds the right word is not exactly right."""
        return (
            f"Form and content: the right word stood somewhere in {self.before.accuracy_named:.0%} of the answers"
            f" before and in {self.after.accuracy_named:.0%} after."
        )

    def figures(self) -> dict[str, Any]:
        """Shares from 0 to 1. `..._named`: the wanted word occurs in the answer, in whatever sentence."""
        return {
            "agent": self.agent,
            "accuracy_before": round(self.before.accuracy, 4),
            "accuracy_after": round(self.after.accuracy, 4),
            "gain": round(self.gain.mean, 4),
            "gain_low": round(self.gain.low, 4),
            "gain_high": round(self.gain.high, 4),
            "untouched_n": self.gain.n,
            "instruction_only": round(self.plain.accuracy, 4),
            "named_before": round(self.before.accuracy_named, 4),
            "named_after": round(self.after.accuracy_named, 4),
            "named_instruction_only": round(self.plain.accuracy_named, 4),
            "verdict": self.verdict,
        }

    def row(self) -> tuple[str, ...]:
        """Its line of the printed table."""
        interval = f"{_points(self.gain.low)} to {_points(self.gain.high)}"
        shares = (f"{score.accuracy:.0%}" for score in (self.before, self.plain, self.after))
        return (self.title, *shares, _points(self.gain.mean), interval, str(self.gain.n))


@dataclass(frozen=True)
class Result:
    """The whole play. `llm_calls`: questions really answered by the model, for everything together."""

    main: TaskResult
    second: TaskResult
    llm_calls: int
    seconds: float
    address: str

    @property
    def lineage_url(self) -> str:
        return self.address.rstrip("/") + self.main.lineage_path if self.main.lineage_path else ""

    def as_json(self) -> dict[str, Any]:
        own = {"llm_calls": self.llm_calls, "seconds": round(self.seconds, 1), "lineage_url": self.lineage_url}
        deployed = bool(self.main.outcome and self.main.outcome.deployed)
        return self.main.figures() | own | {"deployed": deployed, "second_task": self.second.figures()}

    def lines(self) -> list[str]:
        """For people: the table, what it means, and where to look."""
        head = ("answers that are exactly right", "before", "instruction only", "after", "gain", "95 % interval", "n")
        main = self.main
        return [
            "",
            *table([head, main.row(), self.second.row()]),
            "",
            f"Before: the first config. After, {main.agent}: {main.after_words()}; {self.second.agent}:"
            f" {self.second.after_words()}. Instruction only: the better of two prompts without examples, one written"
            " by hand and one found by the run.",
            main.form_and_content(),
            HONESTY,
            f"{self.llm_calls} answers by the model in {self.seconds:.0f} s.",
            f"From what was learned back to the corrections: {self.lineage_url or 'nothing was learned'}",
        ]


def _points(share: float) -> str:
    return f"{share * 100:+.0f} points"
