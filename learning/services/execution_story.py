"""Everything that is known of one execution: what was said, what happened inside, what came of it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from learning.models import (
    AgentConfig,
    AgentFeedback,
    Decision,
    Execution,
    LearningExample,
    RetrievalEvent,
    Split,
)

MOST_TURNS, MOST_STEPS, MOST_FEEDBACK, MOST_EXAMPLES = 200, 200, 100, 50
MILLISECOND = 1_000_000  # nanoseconds
READ = (Split.TRAIN, Split.VALIDATION)  # by training runs


class Turn(NamedTuple):
    """One turn of a conversation."""

    role: str
    content: str


class Learned(NamedTuple):
    """A config that learned from an example."""

    config_id: UUID
    number: int


@dataclass(frozen=True)
class Step:
    """A span of the application on the clock of its execution: milliseconds since the first one began."""

    name: str
    kind: str
    model: str
    failed: bool
    depth: int
    begins_ms: float
    lasts_ms: float


@dataclass(frozen=True)
class ExecutionStory:
    """`steps` are there only while the spans of an application that sends OpenTelemetry are kept."""

    execution: Execution
    conversation: list[Turn] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    retrievals: list[RetrievalEvent] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    feedback: list[AgentFeedback] = field(default_factory=list)
    examples: list[LearningExample] = field(default_factory=list)
    learned: dict[UUID, list[Learned]] = field(default_factory=dict)  # by the example


def story_of(execution: Execution) -> ExecutionStory:
    """The story, by the same number of queries however much there is."""
    context = execution.context if isinstance(execution.context, dict) else {}
    examples = _examples_of(execution)
    return ExecutionStory(
        execution=execution,
        conversation=_turns(context.get("conversation")),
        facts={name: value for name, value in context.items() if name != "conversation"},
        decisions=list(execution.decisions.order_by("position")[:MOST_STEPS]),
        retrievals=list(execution.retrievals.order_by("id")[:MOST_STEPS]),
        steps=_steps(execution.spans.order_by("started", "span_id")[:MOST_STEPS]),
        feedback=list(execution.feedback.order_by("-id")[:MOST_FEEDBACK]),
        examples=examples,
        learned=_learned_from(examples),
    )


def find_execution(execution_id: UUID) -> Execution | None:
    """The execution with its agent and config; None when the organization has no such execution."""
    return Execution.objects.select_related("agent", "config").filter(pk=execution_id).first()


def problem_text(problem: Any) -> str:
    """What went wrong, as the metadata of an execution tell it: a text, or an object with its type and message."""
    if isinstance(problem, Mapping):
        named = [str(problem[name]) for name in ("type", "message") if problem.get(name)]
        return ": ".join(named) or str(dict(problem))
    return "" if problem is None else str(problem)


def _turns(given: Any) -> list[Turn]:
    """The last turns; whatever has no text is left out (it stands in the raw data)."""
    told = [turn for turn in given if isinstance(turn, dict)] if isinstance(given, list) else []
    turns = [(turn.get("role", "user"), turn.get("content")) for turn in told]
    return [Turn(str(role), content) for role, content in turns if isinstance(content, str)][-MOST_TURNS:]


def _steps(spans: Any) -> list[Step]:
    """Without their texts, which decisions and retrievals tell."""
    said = ("reading__name", "reading__kind", "reading__model", "reading__failed")
    rows = list(spans.values_list("span_id", "parent_id", "started", "ended", *said))
    start = rows[0][2] if rows else 0
    depths: dict[str, int] = {}
    steps = []
    for span_id, parent_id, started, ended, name, kind, model, failed in rows:
        depths[span_id] = depths.get(parent_id, -1) + 1  # a parent begins before its children
        begins, lasts = (started - start) / MILLISECOND, max(0, ended - started) / MILLISECOND
        steps.append(
            Step(name or kind or "step", kind or "", model or "", bool(failed), depths[span_id], begins, lasts)
        )
    return steps


def _examples_of(execution: Execution) -> list[LearningExample]:
    made = Q(source_execution_id=execution.pk) | Q(
        source_feedback__in=AgentFeedback.objects.filter(execution_id=execution.pk)
    )
    return list(LearningExample.objects.filter(made).order_by("-id")[:MOST_EXAMPLES])


def _learned_from(examples: list[LearningExample]) -> dict[UUID, list[Learned]]:
    """The configs proposed by runs that read the example; one query for all."""
    items = "training_run__dataset_version__items"
    pairs = (
        AgentConfig.objects.filter(
            **{f"{items}__example_id__in": [example.pk for example in examples], f"{items}__split__in": READ}
        )
        .values_list(f"{items}__example_id", "pk", "number")
        .order_by("number")
        .distinct()
    )
    found: dict[UUID, list[Learned]] = {}
    for example_id, pk, number in pairs:
        found.setdefault(example_id, []).append(Learned(pk, number))
    return found
