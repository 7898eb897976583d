"""What a gate checks: the cases that a config is asked about, and the demonstrations for what it learned to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

from learning.engines.behavior.episodes import RESPOND, Episode, choices_of, successes
from learning.engines.behavior.policies import FrequentPolicy, Policy
from learning.engines.behavior.update import KEY
from learning.engines.metrics import METRIC_KINDS
from learning.engines.safety.results import Rules
from learning.engines.types import Example, Prompt, Split
from learning.models import DatasetVersion, GateReport
from learning.services import datasets
from learning.services.behavior_data import read_episodes, read_gate_episodes, stepwise_examples

MOST_CASES = 40
LONGEST_LABEL = 5  # words


@dataclass(frozen=True)
class GateClaim:
    """Whose gate it is: the attempt fences off a worker that was thought dead."""

    report_id: UUID
    attempt: int


@dataclass(frozen=True)
class BehaviorCases:
    """What learned behavior is checked on. Each episode has the key of its example; `usual`: see check_behavior."""

    current: Mapping[str, Any]
    candidate: Mapping[str, Any]
    held_out: list[Episode]
    usual: Policy

    def requests(self) -> list[Example]:
        """What the demonstrations began with, for the safety of answers; known is what they answer."""
        return [
            Example(one.key, one.steps[0].observation, _answered(one), Split.TEST) for one in successes(self.held_out)
        ]


@dataclass(frozen=True)
class GateWork(GateClaim):
    """What a claimed gate needs, read in one go: it is checked outside of any transaction.

    `behavior`: None when both configs learned the same, or nothing.
    """

    current: Prompt
    candidate: Prompt
    examples: list[Example]
    metric: str
    metric_options: Mapping[str, Any]
    rules: Rules
    behavior: BehaviorCases | None = None

    def models_asked(self) -> list[str]:
        """Of both configs, and the one that grades; empty for the default one."""
        kind = METRIC_KINDS.get(self.metric)
        graders = [self.metric_options.get("model") or ""] if kind and kind.needs_expert_scores else []
        return list(dict.fromkeys([self.current.model, self.candidate.model, *graders]))


def work_of(report: GateReport) -> GateWork:
    """Read it. Raises ValueError for a config that cannot be read."""
    run = report.training_run
    config = report.config
    version = run.dataset_version if run else datasets.newest_version(config.agent)
    base = run.base_config if run else (config.parent or config)
    behavior = _behavior(report, version, base.content, config.content) if version else None
    current, candidate = Prompt.from_content(base.content), Prompt.from_content(config.content)
    examples = datasets.open_examples(version) if version else []
    fresh = not_shown(examples, current, candidate) or not_shown(examples, candidate)
    stepwise = stepwise_examples(version) if version else set()
    texts = [one for one in fresh if one.key not in stepwise]
    if not texts and behavior is None:  # nothing else is there to ask about
        texts = fresh
    return GateWork(
        report_id=report.pk,
        attempt=report.attempt,
        current=current,
        candidate=candidate,
        examples=sorted(texts, key=lambda one: one.key)[:MOST_CASES],
        metric=run.config.get("metric", "exact") if run else fitting_metric(texts),
        metric_options=run.config.get("metric_options", {}) if run else {},
        rules=Rules(),
        behavior=behavior,
    )


def not_shown(examples: Sequence[Example], *prompts: Prompt) -> list[Example]:
    """Those of cases that no prompt shows with the answer: who has it, or a near-duplicate, before them repeats it."""
    shown = [(prompt, {(one.input, one.output.strip()) for one in prompt.examples}) for prompt in prompts]
    cases = {
        one.case
        for prompt, pairs in shown
        for one in examples
        if pairs and (prompt.wrap(one.input), one.expected.strip()) in pairs
    }
    return [one for one in examples if one.case not in cases]


def fitting_metric(examples: Sequence[Example]) -> str:
    """For a config that no run made: labels are right or wrong, sentences nearly never the same."""
    words = [len(one.expected.split()) for one in examples]
    return "chrf" if words and median(words) > LONGEST_LABEL else "exact"


def _behavior(
    report: GateReport, version: DatasetVersion, base: Mapping[str, Any], content: Mapping[str, Any]
) -> BehaviorCases | None:
    current, candidate = base.get(KEY) or {}, content.get(KEY) or {}
    if current == candidate:
        return None
    held_out = read_gate_episodes(version=version, report=report)
    done = choices_of(successes(read_episodes(version))) or choices_of(held_out)
    return BehaviorCases(current, candidate, held_out, FrequentPolicy.fit(done))


def _answered(episode: Episode) -> str:
    answers = [str(step.action.arguments.get("text", "")) for step in episode.steps if step.action.name == RESPOND]
    return "\n".join(answers)
