"""What a reviewer sees of an item, gathered from learning. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from annotation.models import ExpertAnnotation, GoldItem, Rubric, Slot, SlotKind
from annotation.services.adjudication import opinions_for
from annotation.services.drafts import find_draft
from annotation.services.preferences import Pair, pair_of
from annotation.services.stages import proposed_output, said_about
from learning.models import AgentFeedback, LearningExample

MOST_TURNS = 50
MOST_FEEDBACK = 10
DIMENSIONS = ("rating", "accuracy", "helpfulness", "clarity", "completeness")


class Turn(NamedTuple):
    """One turn of the conversation before the input."""

    role: str
    content: str


@dataclass(frozen=True)
class Item:
    """One example as it is shown for review."""

    slot: Slot
    example: LearningExample
    proposed_output: str
    conversation: list[Turn] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)  # what else the application said about the situation
    feedback: list[AgentFeedback] = field(default_factory=list)
    draft: dict[str, Any] = field(default_factory=dict)
    rubric: Rubric | None = None
    pair: Pair | None = None  # two outputs to compare
    opinions: list[ExpertAnnotation] = field(default_factory=list)  # what others said, where it may be seen
    draft_saved_at: datetime | None = None


def open_item(*, slot: Slot, expert: Any) -> Item:
    """Everything about a claimed slot, with what the person has typed about it before."""
    example = slot.example
    context = _context(example)
    draft, said = find_draft(expert=expert, example_id=example.pk), said_about(example)
    return Item(
        slot=slot,
        example=example,
        proposed_output=output_to_judge(slot, said),
        conversation=_turns(context),
        facts=_facts(context),
        feedback=_feedback(example),
        draft=draft.content if draft else {},
        draft_saved_at=draft.updated_at if draft else None,
        rubric=slot.queue.rubric,
        pair=pair_of(slot=slot, expert=expert),
        opinions=opinions_for(slot=slot, expert=expert, said=said),
    )


def marks(feedback: AgentFeedback) -> list[tuple[str, int]]:
    """The numbers (1-5) that a user gave, by name."""
    return [(name, value) for name in DIMENSIONS if (value := getattr(feedback, name)) is not None]


def output_to_judge(slot: Slot, said: list[ExpertAnnotation] | None = None) -> str:
    """What the reviewer of the slot sees as the proposal; `said`: what is known already (stages.said_about)."""
    if slot.kind == SlotKind.GOLD:  # looks like any other item
        return GoldItem.objects.get(queue=slot.queue_id, example=slot.example_id).shown_output
    before_stage = slot.stage if slot.kind == SlotKind.REVIEW else None
    return proposed_output(slot.example, before_stage, said=said)


def _context(example: LearningExample) -> dict[str, Any]:
    own = example.input_context if isinstance(example.input_context, dict) else {}
    if own or example.source_execution_id is None:
        return own
    execution = example.source_execution
    return execution.context if execution and isinstance(execution.context, dict) else {}


def _turns(context: dict[str, Any]) -> list[Turn]:
    """The last turns of the conversation; whatever has no role and text is left out."""
    turns = context.get("conversation")
    if not isinstance(turns, list):
        return []
    told = [turn for turn in turns if isinstance(turn, dict) and isinstance(turn.get("content"), str)]
    return [Turn(str(turn.get("role", "user")), turn["content"]) for turn in told[-MOST_TURNS:]]


def _facts(context: dict[str, Any]) -> dict[str, str]:
    plain = {name: value for name, value in context.items() if name != "conversation"}
    return {name: str(value) for name, value in plain.items() if isinstance(value, str | int | float | bool)}


def _feedback(example: LearningExample) -> list[AgentFeedback]:
    """The feedback that the example came from first, then what else was said about the same execution."""
    found = []
    if example.source_feedback is not None:
        found.append(example.source_feedback)
    if example.source_execution_id is not None:
        others = AgentFeedback.objects.filter(execution_id=example.source_execution_id).order_by("-id")
        found += [row for row in others[:MOST_FEEDBACK] if row.pk != example.source_feedback_id]
    return found
